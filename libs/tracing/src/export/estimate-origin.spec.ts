import { now } from '../clock.js';
import { estimateOrigin } from './estimate-origin.js';

it('is where the wall clock and ours agree', () => {
  const originNs = estimateOrigin();
  const beforeMs = Date.now();
  const wallMs = Number((originNs + BigInt(now())) / 1_000_000n);
  expect(wallMs).toBeGreaterThanOrEqual(beforeMs - 1);
  expect(wallMs).toBeLessThanOrEqual(Date.now() + 1);
});

it('two estimates agree far below a millisecond', () => {
  // An interrupted estimate is off by as much: the best of some.
  const differencesNs = Array.from({ length: 10 }, () => Math.abs(Number(estimateOrigin() - estimateOrigin())));
  expect(Math.min(...differencesNs)).toBeLessThan(100_000);
});
