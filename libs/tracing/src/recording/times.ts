import { hrtime, originNanoseconds, originSeconds } from '../clock.js';

/** Start and end of what is recorded now: numbers that go from call to call in here allocate nothing. */
export const TIMES = new Float64Array(2);

/**
 * `process.hrtime` makes an array, which V8 leaves out where it inlines that function; whether it does depends on how much else it
 * has inlined there. Two functions called at one place are not inlined themselves, so in each of them it always does: 0 bytes a
 * call, 64 without (libs/tracing/bench/allocation.mjs).
 */
const STAMPS = [
  () => {
    const [seconds, nanoseconds] = hrtime();
    TIMES[0] = (seconds - originSeconds) * 1e9 + (nanoseconds - originNanoseconds);
  },
  () => {
    const [seconds, nanoseconds] = hrtime();
    TIMES[1] = (seconds - originSeconds) * 1e9 + (nanoseconds - originNanoseconds);
  },
] as const;

/** Puts the time of a call, its `ts` or else now, into `TIMES[index]`. */
export function stampTs(index: 0 | 1, ts: number | undefined): void {
  if (ts === undefined) STAMPS[index]();
  else TIMES[index] = ts;
}
