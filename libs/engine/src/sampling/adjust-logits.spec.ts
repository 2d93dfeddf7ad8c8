import { adjustsLogits, LogitAdjuster } from './adjust-logits.js';
import { uniformNoise } from './noise.js';
import type { Penalties, SamplingSpec } from './sampling.js';

const SIZE = 200;
const spec = (over: Partial<SamplingSpec>): SamplingSpec => ({
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  seed: 0,
  logitBias: [],
  logprobs: null,
  choice: 0,
  index: 0,
  banned: [],
  penalties: null,
  ...over,
});
const penalties = (over: Partial<Penalties>): Penalties => ({
  presence: 0,
  frequency: 0,
  repetition: 1,
  prompt: new Int32Array(),
  generated: new Int32Array(),
  ...over,
});
const tokens = (seed: number, length: number) =>
  Int32Array.from({ length }, (_, i) => Math.floor(uniformNoise(seed, 0, i) * SIZE));
const logits = () => Float32Array.from({ length: SIZE }, (_, i) => 8 * uniformNoise(5, 0, i) - 4);
const count = (list: Int32Array, token: number) => list.reduce((n, other) => n + (other === token ? 1 : 0), 0);

describe('LogitAdjuster', () => {
  it.each([
    penalties({ presence: 1.5 }),
    penalties({ frequency: -0.75 }),
    penalties({ repetition: 1.3 }),
    penalties({ repetition: 0.7 }),
    penalties({ presence: -2, frequency: 2, repetition: 2 }),
  ])('penalizes by definition: %j', (wanted) => {
    const adjuster = new LogitAdjuster(SIZE);
    for (const [prompt, generated] of [
      [tokens(1, 0), tokens(2, 0)],
      [tokens(1, 60), tokens(2, 0)],
      [tokens(1, 0), tokens(2, 150)],
      [tokens(1, 150), tokens(2, 400)],
    ] as const) {
      const adjusted = logits();
      adjuster.adjust(adjusted, spec({ penalties: { ...wanted, prompt, generated } }));
      const defined = logits().map((logit, token) => {
        const times = count(generated, token);
        if (times > 0 || count(prompt, token) > 0) {
          logit = logit > 0 ? logit / wanted.repetition : logit * wanted.repetition;
        }
        return logit - times * wanted.frequency - (times > 0 ? wanted.presence : 0);
      });
      expect(adjusted).toEqual(defined);
    }
  });

  it('takes repetition first, then presence and frequency, then the bias', () => {
    const adjusted = Float32Array.of(3, -3, 1);
    const generated = Int32Array.of(0, 0, 1);
    new LogitAdjuster(3).adjust(
      adjusted,
      spec({
        penalties: penalties({ presence: 1, frequency: 0.5, repetition: 2, generated }),
        logitBias: [
          [0, 10],
          [1, 4],
          [1, 0.25],
        ],
      }),
    );
    expect([...adjusted]).toEqual([3 / 2 - 1 - 2 * 0.5 + 10, -3 * 2 - 1 - 0.5 + 4.25, 1]);
  });

  it('leaves what the model excludes excluded', () => {
    const adjusted = Float32Array.of(-Infinity, 1, 0);
    const generated = Int32Array.of(0);
    const all = penalties({ presence: -2, frequency: -2, repetition: 0.5, generated });
    new LogitAdjuster(3).adjust(adjusted, spec({ penalties: all, logitBias: [[0, 100]] }));
    expect([...adjusted]).toEqual([-Infinity, 1, 0]);
  });

  it('bans over any bias', () => {
    const adjusted = Float32Array.of(1, 2, 3);
    new LogitAdjuster(3).adjust(adjusted, spec({ banned: [2, 0, 2], logitBias: [[2, 100]] }));
    expect([...adjusted]).toEqual([-Infinity, 2, -Infinity]);
  });

  it.each([
    ['every token', [1, 2, 3], [1, 0, 2, 1]],
    ['every token that the model does not exclude', [-Infinity, 2, 3], [2, 1, 2]],
  ])('ignores a ban of %s', (_, values, banned) => {
    const adjusted = Float32Array.from(values);
    new LogitAdjuster(3).adjust(adjusted, spec({ banned, logitBias: [[2, 0.5]] }));
    expect([...adjusted]).toEqual([values[0], 2, 3.5]);
  });

  it('is needed where there is a penalty, a bias or a ban', () => {
    expect(adjustsLogits(spec({}))).toBe(false);
    expect(adjustsLogits(spec({ penalties: penalties({}) }))).toBe(true);
    expect(adjustsLogits(spec({ logitBias: [[0, 0]] }))).toBe(true);
    expect(adjustsLogits(spec({ banned: [0] }))).toBe(true);
  });
});
