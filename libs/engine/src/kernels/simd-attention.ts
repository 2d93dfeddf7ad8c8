import type { Tensor } from '@tensorflow/tfjs-core';
import type { WasmHeap } from '../backend/wasm-backend.js';
import type { KvGeometry } from '../kv/kv-memory.js';
import type { LlamaConfig } from '../model/llama-config.js';
import type { ForwardBatch } from '../scheduling/forward-batch.js';
import type { Attention } from './attention.js';
import { loadAttentionKernels, type AttentionKernels } from './load-kernels.js';

/** i32 a sequence: first row, tokens, position, address of its page table. */
const DESCRIPTOR_INTS = 4;
const ROWS_IN_A_TILE = 3;

/** What one forward may hold at most; the scratch is laid out for it. */
export interface BatchLimits {
  readonly batchTokens: number;
  readonly sequences: number;
  readonly contextLength: number;
  readonly pageTokens: number;
}

interface ScratchLayout {
  readonly qkv: number;
  readonly out: number;
  readonly cosSin: number;
  readonly descriptors: number;
  readonly tables: number;
  readonly scores: number;
  readonly scoreBytes: number;
  readonly bytes: number;
}

/** Scratch in front of the KV pages: qkv, result, angles, descriptors, page tables, scores. */
export function attentionScratch(config: LlamaConfig, limits: BatchLimits): ScratchLayout {
  let at = 64;
  const place = (bytes: number): number => {
    const here = at;
    at += Math.ceil(bytes / 64) * 64;
    return here;
  };
  const pages = Math.ceil(limits.contextLength / limits.pageTokens);
  const scoreBytes = pages * limits.pageTokens * 4;
  const rowBytes = config.headDim * 4;
  return {
    qkv: place(limits.batchTokens * (config.heads + 2 * config.kvHeads) * rowBytes),
    out: place(limits.batchTokens * config.heads * rowBytes),
    cosSin: place(limits.batchTokens * rowBytes),
    descriptors: place(limits.sequences * DESCRIPTOR_INTS * 4),
    tables: place(limits.sequences * pages * 4),
    scores: place(ROWS_IN_A_TILE * scoreBytes),
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
  readonly #frequencies: Float64Array;
  #sequences = 0;

  constructor(
    memory: WebAssembly.Memory,
    private readonly geometry: KvGeometry,
    private readonly heap: WasmHeap,
    private readonly config: LlamaConfig,
    private readonly limits: BatchLimits,
  ) {
    this.#kernels = loadAttentionKernels(memory);
    this.#floats = new Float32Array(memory.buffer);
    this.#ints = new Int32Array(memory.buffer);
    this.#layout = attentionScratch(config, limits);
    const half = config.headDim / 2;
    this.#frequencies = Float64Array.from({ length: half }, (_, i) => config.ropeTheta ** (-i / half));
  }

  begin(batch: ForwardBatch): void {
    if (batch.runs.length > this.limits.sequences || batch.tokenIds.length > this.limits.batchTokens) {
      throw new RangeError(
        `a batch of ${batch.runs.length} sequences and ${batch.tokenIds.length} tokens does not fit the scratch`,
      );
    }
    let table = this.#layout.tables;
    let at = this.#layout.descriptors >> 2;
    for (const run of batch.runs) {
      this.#ints[at++] = run.firstRow;
      this.#ints[at++] = run.tokens;
      this.#ints[at++] = run.position;
      this.#ints[at++] = table;
      for (let p = 0; p < run.pages.length; p++)
        this.#ints[(table >> 2) + p] = run.pages[p]! * this.geometry.blockBytes;
      table += run.pages.length * 4;
      for (let t = 0; t < run.tokens; t++) this.#writeAngles(run.firstRow + t, run.position + t);
    }
    this.#sequences = batch.runs.length;
  }

  layer(qkv: Tensor, layer: number): Tensor {
    const { heads, kvHeads, headDim } = this.config;
    const { pageTokens } = this.limits;
    const layout = this.#layout;
    const base = this.geometry.base + layer * this.geometry.layerBytes;
    this.#floats.set(this.heap.view(qkv), layout.qkv >> 2);
    this.#kernels.ropeAppend(
      layout.qkv,
      layout.cosSin,
      layout.descriptors,
      this.#sequences,
      base,
      heads,
      kvHeads,
      headDim,
      pageTokens,
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
      pageTokens,
      layout.scores,
      layout.scoreBytes,
    );
    const width = heads * headDim;
    const out = this.heap.allocate([qkv.shape[0]!, width]);
    const from = layout.out >> 2;
    this.heap.view(out).set(this.#floats.subarray(from, from + qkv.shape[0]! * width));
    return out;
  }

  #writeAngles(row: number, position: number): void {
    const half = this.#frequencies.length;
    const at = (this.#layout.cosSin >> 2) + row * 2 * half;
    for (let i = 0; i < half; i++) {
      const angle = position * this.#frequencies[i]!;
      this.#floats[at + i] = Math.cos(angle);
      this.#floats[at + half + i] = Math.sin(angle);
    }
  }
}
