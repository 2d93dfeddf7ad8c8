import type { Tensor } from '@tensorflow/tfjs-core';
import { kvFormatOf } from '../kv/kv-format.js';
import { KvMemory } from '../kv/kv-memory.js';
import type { TokenRun } from '../scheduling/forward-batch.js';
import type { Attention, AttentionOptions, AttentionShape } from './attention.js';
import type { TensorIo } from './ops.js';
import { attentionScratch } from './simd-attention.js';

const LAYER = 1;
const THETA = 10_000;
/** Pages of each sequence, out of order and between each other's. */
const TABLES = [
  [9, 2, 14, 5],
  [0, 7, 3],
  [12, 1],
];

export const SHAPES: readonly (readonly [string, AttentionShape, pageTokens: number])[] = [
  ['9 heads on 3', { heads: 9, kvHeads: 3, headDim: 64 }, 16],
  ['4 heads on 2', { heads: 4, kvHeads: 2, headDim: 16 }, 32],
  ['4 heads of their own', { heads: 4, kvHeads: 4, headDim: 32 }, 64],
  ['4 heads on 1', { heads: 4, kvHeads: 1, headDim: 80 }, 16],
  ['10 heads on 2', { heads: 10, kvHeads: 2, headDim: 48 }, 32],
  ['7 heads on 1', { heads: 7, kvHeads: 1, headDim: 128 }, 16],
  ['8 heads on 1', { heads: 8, kvHeads: 1, headDim: 96 }, 16],
];

/** Tokens [position, position + tokens) of one of the three sequences. */
export interface Run {
  readonly sequence: number;
  readonly position: number;
  readonly tokens: number;
}

/** Three sequences of random q, k and v rows. */
export function randomRows({ heads, kvHeads, headDim }: AttentionShape): number[][][] {
  let state = 7;
  const random = (): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * 4 - 2;
  const width = (heads + 2 * kvHeads) * headDim;
  return [50, 33, 17].map((tokens) => Array.from({ length: tokens }, () => Array.from({ length: width }, random)));
}

/** Fresh KV memory, its pages full of NaN, and a rope that is no plain one. */
export function attentionOptions(shape: AttentionShape, pageTokens = 16, pages = 16): AttentionOptions {
  const limits = { batchTokens: 64, sequences: 4, contextLength: 96, pageTokens };
  const format = kvFormatOf({ layers: 2, ...shape }, pageTokens, '');
  const { memory, geometry } = new KvMemory(format, pages, attentionScratch(shape, limits).bytes);
  if (pages <= 16) new Float32Array(memory.buffer).fill(NaN, geometry.base / 4);
  const half = shape.headDim / 2;
  const frequencies = Float64Array.from({ length: half }, (_, i) => THETA ** (-i / half));
  return { memory, geometry, shape, limits, rope: { frequencies, magnitude: 1.1 } };
}

/** Runs batches and gathers each sequence's rows. */
export function attend(
  attention: Attention,
  io: TensorIo,
  sequences: number[][][],
  batches: Run[][],
  { pageTokens, firstPage }: { readonly pageTokens: number; readonly firstPage?: number },
): Float32Array[][] {
  const rows: Float32Array[][] = sequences.map(() => []);
  for (const batch of batches) {
    let firstRow = 0;
    const runs: TokenRun[] = batch.map(({ sequence, position, tokens }) => {
      const pages = Int32Array.from(
        TABLES[sequence]!.slice(0, Math.ceil((position + tokens) / pageTokens)),
        (page) => page + (firstPage ?? 0),
      );
      firstRow += tokens;
      return { sequence, firstRow: firstRow - tokens, tokens, position, pages };
    });
    const values = batch.flatMap(({ sequence, position, tokens }) =>
      sequences[sequence]!.slice(position, position + tokens).flat(),
    );
    const qkv = io.create(Float32Array.from(values), [firstRow, values.length / firstRow]);
    attention.begin({ bid: 0, tokenIds: new Int32Array(firstRow), runs, outputs: [], reportLayers: false });
    const result: Tensor = attention.layer(qkv, LAYER);
    const out = Float32Array.from(io.read(result));
    attention.end();
    const width = out.length / firstRow;
    batch.forEach(({ sequence, tokens }, i) => {
      for (let t = 0; t < tokens; t++) {
        const row = runs[i]!.firstRow + t;
        rows[sequence]!.push(out.slice(row * width, (row + 1) * width));
      }
    });
    result.dispose();
    qkv.dispose();
  }
  return rows;
}

/** Attention by its definition in double precision, over all of a sequence's rows. */
export function attentionByDefinition(qkv: number[][], { shape, rope }: AttentionOptions): number[][] {
  const { heads, kvHeads, headDim } = shape;
  const half = headDim / 2;
  const rotated = (row: number[], at: number, position: number): number[] =>
    Array.from({ length: headDim }, (_, d) => {
      const angle = position * rope.frequencies[d % half]!;
      const other = d < half ? -row[at + d + half]! : row[at + d - half]!;
      return rope.magnitude * (row[at + d]! * Math.cos(angle) + other * Math.sin(angle));
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
