import type { Tensor } from '@tensorflow/tfjs-core';
import type { WasmHeap } from '../backend/wasm-backend.js';
import { KvMemory } from '../kv/kv-memory.js';
import type { LlamaConfig } from '../model/llama-config.js';
import { attentionScratch, SimdAttention } from './simd-attention.js';

const PAGE = 16;

/** A heap whose tensors are plain arrays. */
function arrayHeap(): WasmHeap {
  const data = new Map<unknown, Float32Array>();
  return {
    memory: undefined as never,
    address: () => 0,
    allocate: (shape) => {
      const tensor = { shape } as unknown as Tensor;
      data.set(tensor, new Float32Array(shape.reduce((a, b) => a * b)));
      return tensor;
    },
    view: (tensor) => data.get(tensor)!,
  };
}

/** Attention by its definition in double precision, over all of a sequence's rows. */
function naive(qkv: number[][], { heads, kvHeads, headDim, ropeTheta }: LlamaConfig): number[][] {
  const half = headDim / 2;
  const rotated = (row: number[], at: number, position: number): number[] =>
    Array.from({ length: headDim }, (_, d) => {
      const angle = position * ropeTheta ** (-(d % half) / half);
      const other = d < half ? -row[at + d + half]! : row[at + d - half]!;
      return row[at + d]! * Math.cos(angle) + other * Math.sin(angle);
    });
  const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  return qkv.map((row, position) => {
    const out: number[] = [];
    for (let h = 0; h < heads; h++) {
      const kv = Math.floor(h / (heads / kvHeads));
      const q = rotated(row, h * headDim, position);
      const scores = qkv
        .slice(0, position + 1)
        .map((r, t) => dot(q, rotated(r, (heads + kv) * headDim, t)) / Math.sqrt(headDim));
      const weights = scores.map((s) => Math.exp(s - Math.max(...scores)));
      const total = weights.reduce((a, b) => a + b);
      for (let d = 0; d < headDim; d++) {
        out.push(weights.reduce((sum, w, t) => sum + w * qkv[t]![(heads + kvHeads + kv) * headDim + d]!, 0) / total);
      }
    }
    return out;
  });
}

interface Run {
  readonly sequence: number;
  readonly position: number;
  readonly tokens: number;
}

describe.each([
  ['9 heads on 3', 9, 3, 64],
  ['4 heads on 2', 4, 2, 16],
  ['4 heads of their own', 4, 4, 32],
  ['7 heads on 1', 7, 1, 128],
])('SimdAttention, %s', (_, heads, kvHeads, headDim) => {
  const config = { layers: 2, heads, kvHeads, headDim, ropeTheta: 10_000 } as LlamaConfig;
  const limits = { batchTokens: 64, sequences: 4, contextLength: 96, pageTokens: PAGE };
  const width = (heads + 2 * kvHeads) * headDim;
  let state = 7;
  const random = (): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * 4 - 2;
  const sequences = [50, 33, 17].map((tokens) =>
    Array.from({ length: tokens }, () => Array.from({ length: width }, random)),
  );

  /** Runs batches over fresh memory and gathers each sequence's rows. */
  function run(batches: Run[][]): Float32Array[][] {
    const heap = arrayHeap();
    const kvFormat = {
      engine: '',
      dtype: 'f32',
      pageTokens: PAGE,
      layers: [0, 2],
      kvHeads: [0, kvHeads],
      headDim,
      layout: '',
      fingerprint: '',
    } as const;
    const kv = new KvMemory(kvFormat, 16, attentionScratch(config, limits).bytes);
    new Float32Array(kv.memory.buffer).fill(NaN, kv.geometry.base / 4);
    const attention = new SimdAttention(kv.memory, kv.geometry, heap, config, limits);
    const tables = [
      [9, 2, 14, 5],
      [0, 7, 3],
      [12, 1],
    ];
    const rows: Float32Array[][] = sequences.map(() => []);
    for (const batch of batches) {
      let firstRow = 0;
      const runs = batch.map(({ sequence, position, tokens }) => {
        const run = {
          firstRow,
          tokens,
          position,
          pages: Int32Array.from(tables[sequence]!.slice(0, Math.ceil((position + tokens) / PAGE))),
        };
        firstRow += tokens;
        return run;
      });
      const qkv = heap.allocate([firstRow, width]);
      heap
        .view(qkv)
        .set(
          batch.flatMap(({ sequence, position, tokens }) =>
            sequences[sequence]!.slice(position, position + tokens).flat(),
          ),
        );
      attention.begin({ bid: 0, tokenIds: new Int32Array(firstRow), runs, outputs: [], reportLayers: false });
      const out = heap.view(attention.layer(qkv, 1));
      batch.forEach(({ sequence, tokens }, i) => {
        for (let t = 0; t < tokens; t++)
          rows[sequence]!.push(
            out.slice((runs[i]!.firstRow + t) * heads * headDim, (runs[i]!.firstRow + t + 1) * heads * headDim),
          );
      });
    }
    return rows;
  }

  const whole = (sequence: number): Run => ({ sequence, position: 0, tokens: sequences[sequence]!.length });
  const alone = sequences.map((_, s) => run([[whole(s)]])[s]!);

  it('agrees with the definition', () => {
    sequences.forEach((rows, s) => {
      naive(rows, config).forEach((expected, t) => {
        expected.forEach((value, i) => expect(Math.abs(alone[s]![t]![i]! - value)).toBeLessThan(2e-5));
      });
    });
  });

  it('gives the same bits in chunks, token by token, and beside other sequences', () => {
    const chunked = run([
      [
        { sequence: 0, position: 0, tokens: 20 },
        { sequence: 1, position: 0, tokens: 33 },
      ],
      [
        { sequence: 2, position: 0, tokens: 16 },
        { sequence: 0, position: 20, tokens: 13 },
      ],
      [
        { sequence: 0, position: 33, tokens: 16 },
        { sequence: 2, position: 16, tokens: 1 },
      ],
      [{ sequence: 0, position: 49, tokens: 1 }],
    ]);
    expect(chunked).toEqual(alone);
  });
});
