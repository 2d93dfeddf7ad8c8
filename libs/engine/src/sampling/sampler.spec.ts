import { uniformNoise } from './noise.js';
import { argmax, Sampler } from './sampler.js';
import type { SamplingSpec } from './sampling.js';

const spec = (over: Partial<SamplingSpec>): SamplingSpec => ({
  temperature: 1,
  topP: 1,
  topK: 0,
  seed: 1,
  choice: 0,
  index: 0,
  ...over,
});

/** The definition: scale, keep top-k, keep the smallest set that reaches top-p of it, renormalize. */
function distribution(logits: readonly number[], { temperature, topP, topK }: SamplingSpec): number[] {
  const weights = logits.map((logit) => Math.exp((logit - Math.max(...logits)) / temperature));
  const order = logits.map((_, i) => i).sort((a, b) => weights[b]! - weights[a]! || a - b);
  const likeliest = topK > 0 ? order.slice(0, topK) : order;
  const total = likeliest.reduce((sum, i) => sum + weights[i]!, 0);
  const kept: number[] = [];
  for (
    let sum = 0;
    kept.length < likeliest.length && (kept.length === 0 || sum < topP * total);
    sum += weights[kept[kept.length - 1]!]!
  ) {
    kept.push(likeliest[kept.length]!);
  }
  const mass = kept.reduce((sum, i) => sum + weights[i]!, 0);
  return logits.map((_, i) => (kept.includes(i) ? weights[i]! / mass : 0));
}

describe('Sampler', () => {
  const logits = [1.5, -0.5, 2.25, 0, 2.25, -3, 0.75, 1];
  const sampler = new Sampler(logits.length);

  it('is greedy at temperature 0, the lower id first', () => {
    expect(sampler.sample(Float32Array.from(logits), spec({ temperature: 0 }))).toBe(2);
    expect(sampler.sample(Float32Array.from(logits), spec({ topK: 1 }))).toBe(2);
    expect(argmax(Float32Array.from([-Infinity, -2, -2]))).toBe(1);
  });

  it.each([
    spec({}),
    spec({ temperature: 0.5 }),
    spec({ temperature: 3 }),
    spec({ topK: 3 }),
    spec({ topP: 0.6 }),
    spec({ topP: 0.9, temperature: 2 }),
    spec({ topK: 5, topP: 0.7 }),
    spec({ topP: 1e-6 }),
    spec({ topK: 100 }),
  ])('draws from the defined distribution: %j', (wanted) => {
    const draws = 40_000;
    const counts = logits.map(() => 0);
    for (let index = 0; index < draws; index++)
      counts[sampler.sample(Float32Array.from(logits), { ...wanted, index })]!++;
    const expected = distribution(logits, wanted);
    logits.forEach((_, i) => {
      if (expected[i] === 0) expect(counts[i]).toBe(0);
      else
        expect(Math.abs(counts[i]! / draws - expected[i]!)).toBeLessThan(
          5 * Math.sqrt((expected[i]! * (1 - expected[i]!)) / draws) + 1e-9,
        );
    });
  });

  it('inverts the cumulative distribution at the noise', () => {
    const wanted = spec({ seed: 99, choice: 2, index: 5 });
    let left = uniformNoise(99, 2, 5);
    const token = distribution(logits, wanted).findIndex((p) => (left -= p) < 0);
    expect(sampler.sample(Float32Array.from(logits), wanted)).toBe(token);
  });
});
