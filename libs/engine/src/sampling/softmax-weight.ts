const STEPS = 256;
const LOWEST = -1022 * STEPS;
const ROOTS = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (i / STEPS));
const POWERS = Float64Array.from({ length: 1024 }, (_, i) => 2 ** -i);

// Taylor's terms of 2^(r / 256) for |r| <= 1/2: the first one left out is below 4e-17.
const C1 = Math.LN2 / STEPS;
const C2 = C1 ** 2 / 2;
const C3 = C1 ** 3 / 6;
const C4 = C1 ** 4 / 24;

/** Factor from a difference of logits to the argument of `softmaxWeight`; finite also for the least temperature. */
export function softmaxScale(temperature: number): number {
  return Math.min(1 / (C1 * temperature), Number.MAX_VALUE);
}

/**
 * exp((logit - highest) / temperature) as softmaxWeight((logit - highest) * softmaxScale(temperature)), which is at most
 * 1: a third of the time of Math.exp, which takes most of a draw, within 1e-14 of it for weights above 1e-40. 0 for NaN
 * and below 2^-1022.
 */
export function softmaxWeight(steps: number): number {
  if (!(steps > LOWEST)) return 0;
  const whole = (steps - 0.5) | 0;
  const r = steps - whole;
  return ROOTS[whole & (STEPS - 1)]! * POWERS[-(whole >> 8)]! * (1 + r * (C1 + r * (C2 + r * (C3 + r * C4))));
}
