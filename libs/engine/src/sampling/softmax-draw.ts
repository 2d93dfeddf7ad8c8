import { softmaxWeight } from './softmax-weight.js';

const BLOCK = 256;

/** Draws from the softmax over the whole vocabulary: sums of blocks find the block, whose weights are computed again. */
export class SoftmaxDraw {
  readonly #sums: Float64Array;

  constructor(vocabSize: number) {
    this.#sums = new Float64Array(Math.ceil(vocabSize / BLOCK));
  }

  /**
   * The first id at which the weights, added up in the order of ids, exceed `noise` of their total.
   *
   * @param best id of the largest logit, which is finite
   */
  draw(logits: Float32Array, best: number, scale: number, noise: number): number {
    const sums = this.#sums;
    const highest = logits[best]!;
    let total = 0;
    for (let block = 0, i = 0; block < sums.length; block++) {
      const end = Math.min(i + BLOCK, logits.length);
      let sum = 0;
      for (; i < end; i++) sum += softmaxWeight((logits[i]! - highest) * scale);
      sums[block] = sum;
      total += sum;
    }
    const target = noise * total;
    let before = 0;
    for (let block = 0; block < sums.length; block++) {
      if (before + sums[block]! <= target) {
        before += sums[block]!;
        continue;
      }
      const end = Math.min((block + 1) * BLOCK, logits.length);
      for (let i = block * BLOCK, sum = 0; i < end; i++) {
        sum += softmaxWeight((logits[i]! - highest) * scale);
        if (before + sum > target) return i;
      }
    }
    // Only where rounding leaves the target at the total.
    return best;
  }
}
