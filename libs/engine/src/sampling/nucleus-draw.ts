import type { SamplingSpec } from './sampling.js';
import type { Likeliest } from './likeliest.js';
import { softmaxScale, softmaxWeight } from './softmax-weight.js';

/**
 * Draws from what top-k, then top-p, then min-p leave: the topK likeliest tokens; the fewest of them whose share of
 * these reaches topP; those at least minP times as likely as the likeliest. As SGLang where min-p is set; elsewhere SGLang
 * counts topP's share of the whole vocabulary, where vLLM and Transformers do as here.
 */
export class NucleusDraw {
  readonly #weights: Float64Array;

  constructor(
    vocabSize: number,
    private readonly likeliest: Likeliest,
  ) {
    this.#weights = new Float64Array(vocabSize);
  }

  /**
   * The first id at which the weights of those left, added up in the order of ids, exceed `noise` of their total.
   *
   * @param best id of the largest logit, which is finite
   */
  draw(logits: Float32Array, best: number, spec: SamplingSpec, noise: number): number {
    const { likeliest } = this;
    const weights = this.#weights;
    const scale = softmaxScale(spec.temperature);
    const highest = logits[best]!;
    if (spec.topK > 0 && spec.topK < logits.length) {
      likeliest.takeTop(logits, spec.topK);
      const total = this.#weigh(logits, highest, scale);
      this.#drop(spec.minP);
      if (spec.topP < 1) likeliest.keepReaching(logits, weights, spec.topP * total);
    } else if (spec.topP < 1) {
      let total = 0;
      for (let id = 0; id < logits.length; id++) {
        total += weights[id] = softmaxWeight((logits[id]! - highest) * scale);
      }
      // All below this together weigh less than what topP leaves out; half of it keeps rounding out of the argument.
      const negligible = ((1 - spec.topP) * total) / logits.length / 2;
      this.#takeHeavy(Math.max(negligible, spec.minP), logits.length);
      likeliest.keepReaching(logits, weights, spec.topP * total);
    } else {
      this.#takeNear(logits, highest + (Math.log(spec.minP) - 0.01) * spec.temperature);
      this.#weigh(logits, highest, scale);
      this.#drop(spec.minP);
    }
    return this.#pick(noise, best);
  }

  /** Sets the weights of those held; returns their sum. */
  #weigh(logits: Float32Array, highest: number, scale: number): number {
    const { ids, count } = this.likeliest;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      total += this.#weights[id] = softmaxWeight((logits[id]! - highest) * scale);
    }
    return total;
  }

  /** Holds all tokens of at least this weight. */
  #takeHeavy(lowest: number, vocabSize: number): void {
    const { ids } = this.likeliest;
    let count = 0;
    for (let id = 0; id < vocabSize; id++) if (this.#weights[id]! >= lowest) ids[count++] = id;
    this.likeliest.count = count;
  }

  /** Holds all tokens of at least this logit. */
  #takeNear(logits: Float32Array, lowest: number): void {
    const { ids } = this.likeliest;
    let count = 0;
    for (let id = 0; id < logits.length; id++) if (logits[id]! >= lowest) ids[count++] = id;
    this.likeliest.count = count;
  }

  /** Drops those below this weight. */
  #drop(lowest: number): void {
    const { ids, count } = this.likeliest;
    let kept = 0;
    for (let i = 0; i < count; i++) if (this.#weights[ids[i]!]! >= lowest) ids[kept++] = ids[i]!;
    this.likeliest.count = kept;
  }

  #pick(noise: number, fallback: number): number {
    const { ids, count } = this.likeliest;
    const weights = this.#weights;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[ids[i]!]!;
    const target = noise * total;
    for (let i = 0, sum = 0; i < count; i++) {
      sum += weights[ids[i]!]!;
      if (sum > target) return ids[i]!;
    }
    // Only where rounding leaves the target at the total.
    return fallback;
  }
}
