import { adjustsLogits, LogitAdjuster } from './adjust-logits.js';
import { argmax } from './argmax.js';
import { Likeliest } from './likeliest.js';
import { logprobsOf } from './logprobs.js';
import { uniformNoise } from './noise.js';
import { NucleusDraw } from './nucleus-draw.js';
import type { SampledToken, SamplingSpec } from './sampling.js';
import { SoftmaxDraw } from './softmax-draw.js';
import { softmaxScale } from './softmax-weight.js';

/**
 * Draws one token from a row of logits; the result depends on these and the spec alone. Among equal logits the lower id
 * is the likelier one. Not reentrant: it reuses its scratch.
 */
export class Sampler {
  readonly #adjuster: LogitAdjuster;
  readonly #likeliest: Likeliest;
  readonly #whole: SoftmaxDraw;
  readonly #nucleus: NucleusDraw;
  #unadjusted: Float32Array | undefined;

  constructor(private readonly vocabSize: number) {
    this.#adjuster = new LogitAdjuster(vocabSize);
    this.#likeliest = new Likeliest(vocabSize);
    this.#whole = new SoftmaxDraw(vocabSize);
    this.#nucleus = new NucleusDraw(vocabSize, this.#likeliest);
  }

  /** @param logits [vocab]; penalties, bias and bans are written into them */
  sample(logits: Float32Array, spec: SamplingSpec): SampledToken {
    let unadjusted = logits;
    if (adjustsLogits(spec)) {
      if (spec.logprobs !== null) {
        unadjusted = this.#unadjusted ??= new Float32Array(this.vocabSize);
        unadjusted.set(logits);
      }
      this.#adjuster.adjust(logits, spec);
    }
    const token = this.#draw(logits, spec);
    if (spec.logprobs === null) return { token };
    return { token, logprobs: logprobsOf(unadjusted, token, spec.logprobs, this.#likeliest) };
  }

  #draw(logits: Float32Array, spec: SamplingSpec): number {
    const best = argmax(logits);
    // Infinite: one logit is certain, or none is possible.
    if (spec.temperature === 0 || spec.topK === 1 || !Number.isFinite(logits[best])) return best;
    const noise = uniformNoise(spec.seed, spec.choice, spec.index);
    if (spec.topP < 1 || spec.minP > 0 || (spec.topK > 0 && spec.topK < logits.length)) {
      return this.#nucleus.draw(logits, best, spec, noise);
    }
    return this.#whole.draw(logits, best, softmaxScale(spec.temperature), noise);
  }
}
