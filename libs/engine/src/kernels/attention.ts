import type { Tensor } from '@tensorflow/tfjs-core';
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
}
