import { softmaxScale, softmaxWeight } from './softmax-weight.js';

describe('softmaxWeight', () => {
  it.each([
    [0.7, 10, 4e-15],
    [1, 90, 2e-14],
    [1, 700, 1e-13],
    [50, 90, 4e-15],
  ])('at temperature %d is exp down to a difference of %d, within %d of it', (temperature, depth, bound) => {
    const scale = softmaxScale(temperature);
    let worst = 0;
    for (let i = 0; i <= 50_000; i++) {
      const difference = -(depth * i) / 50_000;
      worst = Math.max(worst, Math.abs(softmaxWeight(difference * scale) / Math.exp(difference / temperature) - 1));
    }
    expect(worst).toBeLessThan(bound);
  });

  it('is 1 for equals, 0 far below and for NaN, at any temperature', () => {
    for (const temperature of [Number.MIN_VALUE, 1e-6, 1, Number.MAX_VALUE]) {
      expect(softmaxWeight(0 * softmaxScale(temperature))).toBe(1);
      expect(softmaxWeight(-Infinity * softmaxScale(temperature))).toBe(0);
      expect(softmaxWeight(NaN * softmaxScale(temperature))).toBe(0);
    }
    expect(softmaxWeight(-1e-6 * softmaxScale(1e-9))).toBe(0);
    expect(softmaxWeight(-1022 * 256 + 1)).toBeGreaterThan(0);
    expect(softmaxWeight(-1022 * 256)).toBe(0);
  });

  it('never rises as the difference grows', () => {
    const weights = Float64Array.from({ length: 100_000 }, (_, i) => softmaxWeight(-i / 77));
    expect(weights.findIndex((weight, i) => i > 0 && weight > weights[i - 1]!)).toBe(-1);
  });
});
