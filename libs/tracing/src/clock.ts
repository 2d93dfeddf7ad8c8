import process from 'node:process';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** As a global variable `process` is a getter, which costs as much as a third of reading the clock. */
export const { hrtime } = process;

const ORIGIN_KEY = 'sliceway.tracing.clock_origin';

/**
 * Where this process counts from, as `process.hrtime` (the host's monotonic clock, the same in all threads). Threads
 * inherit environment data from the thread that starts them: load this module before you start one.
 */
function sharedOrigin(): readonly [seconds: number, nanoseconds: number] {
  const inherited = getEnvironmentData(ORIGIN_KEY) as unknown;
  if (Array.isArray(inherited)) return inherited as [number, number];
  const origin = hrtime();
  setEnvironmentData(ORIGIN_KEY, origin);
  return origin;
}

export const [originSeconds, originNanoseconds] = sharedOrigin();

/**
 * `ts`: nanoseconds of the host's monotonic clock since an origin that the threads of this process share. An exact
 * integer for 104 days. (Epoch nanoseconds do not fit a double; `performance.now` counts from each thread's own start.)
 */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return (seconds - originSeconds) * 1e9 + (nanoseconds - originNanoseconds);
}

/** The `ts` of a `process.hrtime` that somebody else read, in nanoseconds; of any thread of this host. */
export function tsOfHrtime(ns: number): number {
  return ns - originSeconds * 1e9 - originNanoseconds;
}
