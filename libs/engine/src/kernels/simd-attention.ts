import type { Tensor } from '@tensorflow/tfjs-core';
import type { ForwardBatch } from '../scheduling/forward-batch.js';
import {
  checkBatch,
  type Attention,
  type AttentionOptions,
  type AttentionShape,
  type BatchLimits,
} from './attention.js';
import { loadAttentionKernels, type AttentionKernels } from './load-kernels.js';
import type { TensorIo } from './ops.js';

/** i32 a sequence: first row, tokens, position, address of its page table. */
const DESCRIPTOR_INTS = 4;
/** ROW_BYTES of the kernel. */
const ROW_BYTES = 12;

interface ScratchLayout {
  readonly qkv: number;
  readonly out: number;
  readonly cosSin: number;
  readonly descriptors: number;
  readonly tables: number;
  readonly rows: number;
  readonly scores: number;
  readonly scoreBytes: number;
  readonly bytes: number;
}

/** Scratch in front of the KV pages: qkv, result, angles, descriptors, page tables, scores. */
export function attentionScratch(shape: AttentionShape, limits: BatchLimits): ScratchLayout {
  let at = 64;
  const place = (bytes: number): number => {
    const here = at;
    at += Math.ceil(bytes / 64) * 64;
    return here;
  };
  const pages = Math.ceil(limits.contextLength / limits.pageTokens);
  const scoreBytes = pages * limits.pageTokens * 4;
  const rowBytes = shape.headDim * 4;
  // In whole tiles of three.
  const groupRows = shape.heads / shape.kvHeads + 2;
  return {
    qkv: place(limits.batchTokens * (shape.heads + 2 * shape.kvHeads) * rowBytes),
    out: place(limits.batchTokens * shape.heads * rowBytes),
    cosSin: place(limits.batchTokens * rowBytes),
    descriptors: place(limits.sequences * DESCRIPTOR_INTS * 4),
    tables: place(limits.sequences * pages * 4),
    rows: place(groupRows * ROW_BYTES),
    scores: place(shape.kvHeads * groupRows * scoreBytes),
    scoreBytes,
    bytes: at,
  };
}

/** Attention by the AssemblyScript kernel: q, k, v go in and the result comes out by one small copy a layer. */
export class SimdAttention implements Attention {
  readonly #kernels: AttentionKernels;
  readonly #floats: Float32Array;
  readonly #ints: Int32Array;
  readonly #layout: ScratchLayout;
  #sequences = 0;

  constructor(
    private readonly options: AttentionOptions,
    private readonly io: TensorIo,
  ) {
    const { memory, shape, limits } = options;
    this.#kernels = loadAttentionKernels(memory);
    this.#floats = new Float32Array(memory.buffer);
    this.#ints = new Int32Array(memory.buffer);
    this.#layout = attentionScratch(shape, limits);
  }

  begin(batch: ForwardBatch): void {
    checkBatch(batch, this.options.limits);
    const { blockBytes } = this.options.geometry;
    let table = this.#layout.tables;
    let at = this.#layout.descriptors >>> 2;
    for (const run of batch.runs) {
      this.#ints[at++] = run.firstRow;
      this.#ints[at++] = run.tokens;
      this.#ints[at++] = run.position;
      this.#ints[at++] = table;
      for (let p = 0; p < run.pages.length; p++) this.#ints[(table >>> 2) + p] = run.pages[p]! * blockBytes;
      table += run.pages.length * 4;
      for (let t = 0; t < run.tokens; t++) this.#writeAngles(run.firstRow + t, run.position + t);
    }
    this.#sequences = batch.runs.length;
  }

  layer(qkv: Tensor, layer: number): Tensor {
    const { geometry, limits, shape } = this.options;
    const { heads, kvHeads, headDim } = shape;
    const layout = this.#layout;
    const base = geometry.base + layer * geometry.layerBytes;
    this.#floats.set(this.io.read(qkv), layout.qkv >>> 2);
    this.#kernels.ropeAppend(
      layout.qkv,
      layout.cosSin,
      layout.descriptors,
      this.#sequences,
      base,
      heads,
      kvHeads,
      headDim,
      limits.pageTokens,
    );
    this.#kernels.attend(
      layout.qkv,
      layout.out,
      layout.descriptors,
      this.#sequences,
      base,
      heads,
      kvHeads,
      headDim,
      limits.pageTokens,
      layout.rows,
      layout.scores,
      layout.scoreBytes,
    );
    const [rows, width] = [qkv.shape[0]!, heads * headDim];
    const from = layout.out >>> 2;
    return this.io.create(this.#floats.subarray(from, from + rows * width), [rows, width]);
  }

  end(): void {}

  #writeAngles(row: number, position: number): void {
    const { frequencies, magnitude } = this.options.rope;
    const half = frequencies.length;
    const at = (this.#layout.cosSin >>> 2) + row * 2 * half;
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      this.#floats[at + i] = Math.cos(angle) * magnitude;
      this.#floats[at + half + i] = Math.sin(angle) * magnitude;
    }
  }
}
