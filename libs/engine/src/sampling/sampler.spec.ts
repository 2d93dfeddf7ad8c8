import { uniformNoise } from './noise.js';
import { Sampler } from './sampler.js';
import type { SamplingSpec } from './sampling.js';

const spec = (over: Partial<SamplingSpec>): SamplingSpec => ({
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  seed: 1,
  logitBias: [],
  logprobs: null,
  choice: 0,
  index: 0,
  banned: [],
  penalties: null,
  ...over,
});

/** The definition, by id: scale, keep top-k, keep the fewest that reach top-p of it, drop below min-p, renormalize. */
function distribution(logits: Float32Array, { temperature, topP, topK, minP }: SamplingSpec): number[] {
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const likeliest = topK > 0 ? order.slice(0, topK) : order;
  const total = likeliest.reduce((sum, id) => sum + weights[id]!, 0);
  const kept = new Set<number>();
  let sum = 0;
  for (const id of likeliest) {
    if (kept.size > 0 && sum >= topP * total) break;
    if (topP < 1) sum += weights[id]!;
    kept.add(id);
  }
  const shares = weights.map((weight, id) => (kept.has(id) && weight >= minP ? weight : 0));
  const mass = shares.reduce((a, b) => a + b);
  return shares.map((share) => share / mass);
}

/** Inverts the cumulative distribution, in the order of ids. */
function tokenAt(probabilities: readonly number[], noise: number): number {
  let sum = 0;
  return probabilities.findIndex((p) => (sum += p) > noise);
}

/** Fixed values of about a normal distribution. */
const normal = (size: number, scale: number) =>
  Float32Array.from({ length: size }, (_, i) => {
    let sum = -6;
    for (let k = 0; k < 12; k++) sum += uniformNoise(11, k, i);
    return sum * scale;
  });

function peaked(size: number): Float32Array {
  const logits = normal(size, 2.5);
  for (let i = 0; i < 40; i++) logits[Math.floor(uniformNoise(12, 0, i) * size)] = 18 - 0.4 * i;
  return logits;
}

// 700 is no multiple of any block.
const SIZE = 700;
const shapes = {
  peaked: peaked(SIZE),
  flat: normal(SIZE, 0.5),
  'full of ties': normal(SIZE, 1).map(Math.round),
  'all equal': new Float32Array(SIZE).fill(-3.25),
  'partly -Infinity': normal(SIZE, 1).map((x, i) => (i % 3 === 0 ? -Infinity : x)),
};

function* grid(): Generator<Partial<SamplingSpec>> {
  for (const temperature of [1e-6, 0.3, 1, 2.5, 1e9])
    for (const topP of [1, 0.9, 0.5, 1e-9])
      for (const topK of [0, 2, 7, 50, SIZE - 1, SIZE, SIZE + 1])
        for (const minP of [0, 0.02, 0.5, 1]) yield { temperature, topP, topK, minP };
}

describe('Sampler', () => {
  it.each(Object.entries(shapes))('inverts the defined distribution at the noise: logits %s', (_, logits) => {
    const sampler = new Sampler(SIZE);
    const wrong: unknown[] = [];
    let index = 0;
    for (const over of grid()) {
      const expected = distribution(logits, spec(over));
      for (const seed of [0, 7, 0xffffffff])
        for (let draw = 0; draw < 8; draw++) {
          const wanted = spec({ ...over, seed, choice: draw % 3, index: index++ });
          const { token } = sampler.sample(logits.slice(), wanted);
          const defined = tokenAt(expected, uniformNoise(seed, wanted.choice, wanted.index));
          if (token !== defined) wrong.push({ ...wanted, token, defined });
        }
    }
    expect(wrong).toEqual([]);
    expect(index).toBe(13_440);
  });

  it.each([49_152, 49_153])('inverts it for a vocabulary of %i', (size) => {
    const sampler = new Sampler(size);
    for (const logits of [peaked(size), normal(size, 1), new Float32Array(size)])
      for (const over of [
        {},
        { topP: 0.9 },
        { topP: 0.999 },
        { topK: 50 },
        { topK: 5000 },
        { minP: 0.05 },
        { topP: 0.95, topK: 40, minP: 0.02 },
      ]) {
        const expected = distribution(logits, spec(over));
        for (let index = 0; index < 8; index++)
          expect({ over, index, ...sampler.sample(logits.slice(), spec({ ...over, index })) }).toEqual({
            over,
            index,
            token: tokenAt(expected, uniformNoise(1, 0, index)),
          });
      }
  });

  it.each([
    {},
    { temperature: 0.5 },
    { temperature: 3 },
    { topK: 3 },
    { topP: 0.6 },
    { minP: 0.3 },
    { topK: 5, topP: 0.9, minP: 0.1 },
  ])('draws each token as often as defined: %j', (over) => {
    const logits = Float32Array.of(1.5, -0.5, 2.25, 0, 2.25, -3, 0.75, 1);
    const sampler = new Sampler(logits.length);
    const draws = 20_000;
    const counts = new Array<number>(logits.length).fill(0);
    const noise = Float64Array.from({ length: draws }, (_, index) => uniformNoise(1, 0, index)).sort();
    for (let index = 0; index < draws; index++) counts[sampler.sample(logits, spec({ ...over, index })).token]!++;
    // A token is drawn where the noise lies in its interval, and no interval's share of any points differs from its
    // length by more than twice the distance between these points' distribution and the uniform one.
    const distance = noise.reduce((most, u, i) => Math.max(most, u - i / draws, (i + 1) / draws - u), 0);
    expect(distance).toBeLessThan(0.015);
    distribution(logits, spec(over)).forEach((p, id) => {
      expect(Math.abs(counts[id]! / draws - p)).toBeLessThanOrEqual(2 * distance + 1e-12);
      if (p === 0) expect(counts[id]).toBe(0);
    });
  });

  it('is greedy at temperature 0 and topK 1, the lower id first', () => {
    const logits = () => Float32Array.of(1.5, -0.5, 2.25, 0, 2.25);
    const sampler = new Sampler(5);
    expect(sampler.sample(logits(), spec({ temperature: 0 }))).toEqual({ token: 2 });
    expect(sampler.sample(logits(), spec({ topK: 1, temperature: 1e9 }))).toEqual({ token: 2 });
    expect(sampler.sample(logits(), spec({ temperature: 0, logitBias: [[4, 0.5]] }))).toEqual({ token: 4 });
    expect(sampler.sample(logits(), spec({ temperature: 0, banned: [2, 4] }))).toEqual({ token: 0 });
  });

  it.each([
    ['a logit of Infinity is certain', [0, Infinity, 3, Infinity], 1],
    ['none above -Infinity gives the first', [-Infinity, -Infinity, -Infinity], 0],
    ['NaN is never drawn', [NaN, 1, NaN, NaN, NaN], 1],
    ['a single token is drawn', [-5], 0],
  ])('%s', (_, logits, token) => {
    const sampler = new Sampler(logits.length);
    for (const over of [{ temperature: 0 }, {}, { topP: 0.5 }, { topK: 2 }, { minP: 0.1 }, { topK: 3, topP: 0.9 }])
      for (let index = 0; index < 20; index++)
        expect(sampler.sample(Float32Array.from(logits), spec({ ...over, index }))).toEqual({ token });
  });

  it.each([Number.MIN_VALUE, 1e-300, Number.MAX_VALUE])('takes a temperature of %d', (temperature) => {
    const sampler = new Sampler(3);
    for (const over of [{}, { topP: 0.9 }, { topK: 2 }, { minP: 0.5 }]) {
      const tokens = Array.from(
        { length: 60 },
        (_, index) => sampler.sample(Float32Array.of(-1, 4, -2), spec({ ...over, temperature, index })).token,
      );
      // Equal at the highest temperature: top-k keeps two, top-p of 0.9 all three.
      const possible = temperature < 1 ? [1] : 'topK' in over ? [0, 1] : [0, 1, 2];
      expect([...new Set(tokens)].sort()).toEqual(possible);
    }
  });

  it('depends on spec and logits alone, whatever was sampled before and wherever the logits lie', () => {
    const memory = new Float32Array(new WebAssembly.Memory({ initial: 1 }).buffer);
    const shared = new Sampler(SIZE);
    const penalties = {
      presence: 0.5,
      frequency: 0.25,
      repetition: 1.3,
      prompt: Int32Array.from({ length: 90 }, (_, i) => i * 3),
      generated: Int32Array.from({ length: 60 }, (_, i) => (i * i) % SIZE),
    };
    let index = 0;
    for (const over of grid())
      for (const more of [{}, { penalties, logprobs: 5, banned: [3], logitBias: [[9, 2] as const] }]) {
        const wanted = spec({ ...over, ...more, index: index++ });
        const logits = Object.values(shapes)[index % 4]!;
        const view = memory.subarray(index % 7, (index % 7) + SIZE);
        view.set(logits);
        expect(shared.sample(view, wanted)).toEqual(new Sampler(SIZE).sample(logits.slice(), wanted));
      }
  });
});
