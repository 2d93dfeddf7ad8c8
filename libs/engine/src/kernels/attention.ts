import type { Tensor } from '@tensorflow/tfjs-core';
import type { KvGeometry } from '../kv/kv-memory.js';
import type { Rope } from '../model/rope.js';
import type { ForwardBatch } from '../scheduling/forward-batch.js';

/** Attention of one batch over paged KV, layer after layer. */
export interface Attention {
  /** Takes in the batch's runs and page tables; once per forward. */
  begin(batch: ForwardBatch): void;
  /**
   * Rotates, appends k and v to the pages, attends.
   * @param qkv [tokens, (heads + 2 * kvHeads) * headDim]
   * @returns [tokens, heads * headDim]
   */
  layer(qkv: Tensor, layer: number): Tensor;
  /** All layers are done: the KV of the batch is in the pages. Where layers are reported, it is after each `layer`. */
  end(): void;
}

/** How attention is computed: by the SIMD kernel on the CPU, or by TensorFlow.js operations where the tensors are. */
export const AttentionKind = { SIMD: 'simd', TENSOR: 'tensor' } as const;
export type AttentionKind = (typeof AttentionKind)[keyof typeof AttentionKind];

/** What one forward may hold at most; scratch is laid out for it. */
export interface BatchLimits {
  readonly batchTokens: number;
  readonly sequences: number;
  readonly contextLength: number;
  readonly pageTokens: number;
}

/** What attention needs to know of a model. */
export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export interface AttentionOptions {
  /** Holds the KV pages, shared with the serving thread. */
  readonly memory: WebAssembly.Memory;
  readonly geometry: KvGeometry;
  readonly shape: AttentionShape;
  readonly rope: Rope;
  readonly limits: BatchLimits;
}

/** @throws RangeError when a batch is larger than what its scratch was laid out for */
export function checkBatch(batch: ForwardBatch, limits: BatchLimits): void {
  if (batch.runs.length <= limits.sequences && batch.tokenIds.length <= limits.batchTokens) return;
  throw new RangeError(
    `a batch of ${batch.runs.length} sequences and ${batch.tokenIds.length} tokens does not fit the scratch`,
  );
}
