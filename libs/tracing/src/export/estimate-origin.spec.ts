import { now } from '../clock.js';
import { SharedControl } from '../recording/shared-control.js';
import { estimateOrigin, updateOrigin } from './estimate-origin.js';

it('is where the wall clock and ours agree', () => {
  const { originNs } = estimateOrigin();
  const beforeMs = Date.now();
  const wallMs = Number((originNs + BigInt(now())) / 1_000_000n);
  expect(wallMs).toBeGreaterThanOrEqual(beforeMs - 1);
  expect(wallMs).toBeLessThanOrEqual(Date.now() + 1);
});

it('two estimates agree far below a millisecond', () => {
  // An interrupted estimate is off by as much: the best of some.
  const differencesNs = Array.from({ length: 10 }, () =>
    Math.abs(Number(estimateOrigin().originNs - estimateOrigin().originNs)),
  );
  expect(Math.min(...differencesNs)).toBeLessThan(100_000);
});

it('the first is taken, however it is, and then those that were seen within 100 us', () => {
  const control = new SharedControl(new SharedArrayBuffer(64 + 4096 * 16));
  const origin = (): bigint => control.toEpochNs(0, control.epoch);
  const second = 1_000_000_000n;
  updateOrigin(control, { originNs: 1n * second, gapNs: 5_000_000 });
  expect(origin()).toBe(1n * second);
  updateOrigin(control, { originNs: 2n * second, gapNs: 100_000 });
  expect(origin()).toBe(2n * second);
  updateOrigin(control, { originNs: 3n * second, gapNs: 100_001 });
  expect(origin()).toBe(2n * second);
});
