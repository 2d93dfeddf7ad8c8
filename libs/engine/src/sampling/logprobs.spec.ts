import { Likeliest } from './likeliest.js';
import { logprobsOf } from './logprobs.js';
import { uniformNoise } from './noise.js';
import { Sampler } from './sampler.js';

const random = (size: number, scale: number) =>
  Float32Array.from({ length: size }, (_, i) => scale * (uniformNoise(3, 0, i) + uniformNoise(3, 1, i) - 1));

/** The definition, with the smallest terms added first. */
function logSoftmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const total = Float64Array.from(logits, (logit) => Math.exp(logit - highest))
    .sort()
    .reduce((a, b) => a + b);
  return Float64Array.from(logits, (logit) => logit - highest - Math.log(total));
}

describe('logprobsOf', () => {
  it.each([
    [1, 1],
    [100, 5],
    [5000, 40],
    [49_153, 12],
    [49_153, 0],
  ])('is the log-softmax, best first, of %i logits spread over %d', (size, scale) => {
    const logits = random(size, scale);
    const defined = logSoftmax(logits);
    const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
    for (const wanted of [0, 1, 5, 20]) {
      const token = Math.floor(size / 3);
      const { logprob, top } = logprobsOf(logits, token, wanted, new Likeliest(size));
      expect(Math.abs(logprob - defined[token]!)).toBeLessThan(1e-12);
      expect(top.map((entry) => entry.token)).toEqual(order.slice(0, wanted));
      for (const entry of top) expect(Math.abs(entry.logprob - defined[entry.token]!)).toBeLessThan(1e-12);
    }
  });

  it.each([
    [[0, Infinity, 1, Infinity], 2, -Infinity, [1, 3], Math.log(0.5)],
    [[-Infinity, -Infinity, -Infinity, -Infinity], 2, Math.log(0.25), [0, 1], Math.log(0.25)],
    [[-Infinity, 7, -Infinity, 7], 0, -Infinity, [1, 3], Math.log(0.5)],
  ])('of %j', (values, token, logprob, topTokens, topLogprob) => {
    const found = logprobsOf(Float32Array.from(values), token, 2, new Likeliest(4));
    expect(found).toEqual({ logprob, top: topTokens.map((top) => ({ token: top, logprob: topLogprob })) });
  });

  it("reports the model's own distribution, whatever was drawn from", () => {
    const logits = random(300, 6);
    const best = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
    const penalties = {
      presence: 2,
      frequency: 2,
      repetition: 2,
      prompt: Int32Array.of(best),
      generated: Int32Array.of(best, best),
    };
    const spec = { temperature: 0.3, topP: 0.5, topK: 1, minP: 0.1, seed: 0, choice: 0, index: 0, logprobs: 3 };
    const sampler = new Sampler(300);
    for (const adjust of [
      { banned: [best], logitBias: [], penalties: null },
      { banned: [], logitBias: [[77, 100] as const], penalties },
    ]) {
      const { token, logprobs } = sampler.sample(logits.slice(), { ...spec, ...adjust });
      expect(token).not.toBe(best);
      expect(logprobs).toEqual(logprobsOf(logits, token, 3, new Likeliest(300)));
      expect(logprobs!.top[0]!.token).toBe(best);
    }
  });
});
