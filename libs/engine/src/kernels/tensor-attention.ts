import {
  add,
  concat,
  keep,
  matMul,
  mul,
  reshape,
  slice,
  softmax,
  split,
  sub,
  tidy,
  transpose,
  type Tensor,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import type { ForwardBatch, TokenRun } from '../scheduling/forward-batch.js';
import { checkBatch, type Attention, type AttentionOptions } from './attention.js';
import { KvPages } from './kv-pages.js';
import type { TensorIo } from './ops.js';

const MASKED = -3e38;

/** One sequence's KV on the device: for each layer K and V, [kvHeads, tokens, headDim]. */
interface DeviceKv {
  tokens: number;
  readonly layers: ({ readonly k: Tensor3D; readonly v: Tensor3D } | undefined)[];
}

/** k and v of the batch that are still to be written to the pages, [tokens, 2 * kvHeads * headDim]. */
interface Pending {
  readonly layer: number;
  readonly kv: Tensor;
}

/**
 * Attention as operations of TensorFlow.js, for GPUs: the KV of the running sequences stays on the device. The pages in
 * shared memory are the truth all the same: what the batch adds is written to them, and a sequence that comes from
 * elsewhere (imported, forked) is read from them once.
 */
export class TensorAttention implements Attention {
  readonly #pages: KvPages;
  readonly #sequences = new Map<number, DeviceKv>();
  readonly #pending: Pending[] = [];
  #batch!: ForwardBatch;
  #angles: { readonly cos: Tensor; readonly sin: Tensor } | undefined;
  #masks: (Tensor | undefined)[] = [];

  constructor(
    private readonly options: AttentionOptions,
    private readonly io: TensorIo,
  ) {
    this.#pages = new KvPages(options);
  }

  begin(batch: ForwardBatch): void {
    checkBatch(batch, this.options.limits);
    // A forward that threw left these.
    for (const { kv } of this.#pending.splice(0)) kv.dispose();
    this.#batch = batch;
    const running = new Map(batch.runs.map((run) => [run.sequence, run.position]));
    for (const [sequence, kv] of this.#sequences) {
      if (running.get(sequence) === kv.tokens) continue;
      for (const layer of kv.layers) dispose(layer?.k, layer?.v);
      this.#sequences.delete(sequence);
    }
    for (const { sequence, position } of batch.runs) {
      if (!this.#sequences.has(sequence)) this.#sequences.set(sequence, { tokens: position, layers: [] });
    }
    this.#angles = this.#makeAngles(batch);
    this.#masks = batch.runs.map((run) => (run.tokens > 1 ? this.#makeMask(run) : undefined));
  }

  layer(qkv: Tensor, layer: number): Tensor {
    const { heads, kvHeads, headDim } = this.options.shape;
    const tokens = qkv.shape[0]!;
    const [out, kv] = tidy(() => {
      const [q, k, v] = split(reshape(qkv, [tokens, heads + 2 * kvHeads, headDim]), [heads, kvHeads, kvHeads], 1);
      const [rotatedQ, rotatedK] = [this.#rotate(q!), this.#rotate(k!)];
      const parts = this.#batch.runs.map((run, i) => this.#attend(i, run, layer, rotatedQ, rotatedK, v!));
      return [parts.length === 1 ? parts[0]! : concat(parts, 0), concat([rotatedK, v!], 1)];
    });
    this.#pending.push({ layer, kv: kv! });
    if (this.#batch.reportLayers) this.#flush();
    return out!;
  }

  end(): void {
    this.#flush();
    for (const run of this.#batch.runs) this.#sequences.get(run.sequence)!.tokens += run.tokens;
    dispose(this.#angles?.cos, this.#angles?.sin, ...this.#masks);
  }

  /** Rows of one run: appends to its KV, attends. @returns [tokens, heads * headDim] */
  #attend(index: number, run: TokenRun, layer: number, q: Tensor, k: Tensor, v: Tensor): Tensor {
    const { heads, kvHeads, headDim } = this.options.shape;
    const { firstRow, tokens, position } = run;
    const group = heads / kvHeads;
    const rowsOf = (x: Tensor): Tensor => slice(x, [firstRow, 0, 0], [tokens, -1, -1]);
    const kv = this.#append(run, layer, byHead(rowsOf(k)), byHead(rowsOf(v)));
    const context = position + tokens;
    const grouped = reshape(rowsOf(q), [tokens, kvHeads, group, headDim]);
    const queries = reshape(transpose(grouped, [1, 0, 2, 3]), [kvHeads, tokens * group, headDim]);
    let scores: Tensor = mul(matMul(queries as Tensor3D, kv.k, false, true), 1 / Math.sqrt(headDim));
    const mask = this.#masks[index];
    if (mask) {
      const perToken = add(reshape(scores, [kvHeads, tokens, group, context]), mask);
      scores = reshape(perToken, [kvHeads, tokens * group, context]);
    }
    const mixed = matMul(softmax(scores) as Tensor3D, kv.v);
    const perToken = transpose(reshape(mixed, [kvHeads, tokens, group, headDim]), [1, 0, 2, 3]);
    return reshape(perToken, [tokens, heads * headDim]);
  }

  /** The sequence's KV of the layer with the new tokens; kept beyond the tidy around it. */
  #append(run: TokenRun, layer: number, k: Tensor3D, v: Tensor3D): { k: Tensor3D; v: Tensor3D } {
    const { layers } = this.#sequences.get(run.sequence)!;
    const before = layers[layer] ?? this.#upload(run, layer);
    const after = before ? { k: concat([before.k, k], 1), v: concat([before.v, v], 1) } : { k, v };
    dispose(before?.k, before?.v);
    layers[layer] = { k: keep(after.k), v: keep(after.v) };
    return after;
  }

  #upload(run: TokenRun, layer: number): { k: Tensor3D; v: Tensor3D } | undefined {
    if (run.position === 0) return undefined;
    const { kvHeads, headDim } = this.options.shape;
    const shape = [kvHeads, run.position, headDim];
    const { k, v } = this.#pages.read(layer, run.pages, run.position);
    return { k: this.io.create(k, shape) as Tensor3D, v: this.io.create(v, shape) as Tensor3D };
  }

  #flush(): void {
    const { kvHeads, headDim } = this.options.shape;
    if (this.#pending.length === 0) return;
    const all = tidy(() =>
      concat(
        this.#pending.map(({ kv }) => kv),
        0,
      ),
    );
    const values = this.io.read(all);
    const size = this.#batch.tokenIds.length * 2 * kvHeads * headDim;
    this.#pending.forEach(({ layer, kv }, i) => {
      this.#pages.write(layer, this.#batch.runs, values.subarray(i * size, (i + 1) * size));
      kv.dispose();
    });
    all.dispose();
    this.#pending.length = 0;
  }

  /** x [tokens, heads, headDim]: pairs d, d + headDim/2 turned by the token's angles. */
  #rotate(x: Tensor): Tensor {
    const { cos, sin } = this.#angles!;
    const [a, b] = split(x, 2, 2) as [Tensor, Tensor];
    return concat([sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))], 2);
  }

  /** Cosines and sines, [tokens, 1, headDim / 2]. */
  #makeAngles(batch: ForwardBatch): { cos: Tensor; sin: Tensor } {
    const { frequencies, magnitude } = this.options.rope;
    const half = frequencies.length;
    const [cos, sin] = [new Float32Array(batch.tokenIds.length * half), new Float32Array(batch.tokenIds.length * half)];
    for (const { firstRow, tokens, position } of batch.runs) {
      for (let t = 0; t < tokens; t++) {
        for (let i = 0; i < half; i++) {
          const angle = (position + t) * frequencies[i]!;
          cos[(firstRow + t) * half + i] = Math.cos(angle) * magnitude;
          sin[(firstRow + t) * half + i] = Math.sin(angle) * magnitude;
        }
      }
    }
    const shape = [batch.tokenIds.length, 1, half];
    return { cos: this.io.create(cos, shape), sin: this.io.create(sin, shape) };
  }

  /** Hides what comes after each token, [tokens, 1, context]. */
  #makeMask({ tokens, position }: TokenRun): Tensor {
    const context = position + tokens;
    const mask = new Float32Array(tokens * context);
    for (let t = 0; t < tokens; t++) mask.fill(MASKED, t * context + position + t + 1, (t + 1) * context);
    return this.io.create(mask, [tokens, 1, context]);
  }
}

/** [tokens, heads, headDim] to [heads, tokens, headDim] */
function byHead(x: Tensor): Tensor3D {
  return transpose(x, [1, 0, 2]) as Tensor3D;
}

function dispose(...tensors: (Tensor | undefined)[]): void {
  for (const tensor of tensors) tensor?.dispose();
}
