import { now } from '../clock.js';

const TRIES = 5;
/** A tick that was seen this closely is good enough. */
const CLOSE_NS = 5000;

/**
 * When `ts` was 0, in nanoseconds since the epoch: the wall clock has milliseconds only, so that it is read until it ticks.
 * Takes about a millisecond; exact to a few hundred nanoseconds unless the thread is interrupted.
 */
export function estimateOrigin(): bigint {
  let best = { gapNs: Infinity, originNs: 0n };
  for (let i = 0; i < TRIES && best.gapNs > CLOSE_NS; i++) {
    const tick = awaitTick();
    if (tick.gapNs < best.gapNs) best = tick;
  }
  return best.originNs;
}

function awaitTick(): { gapNs: number; originNs: bigint } {
  const startMs = Date.now();
  let beforeTs = now();
  for (;;) {
    const ms = Date.now();
    const afterTs = now();
    if (ms !== startMs) {
      const ts = Math.round((beforeTs + afterTs) / 2);
      return { gapNs: afterTs - beforeTs, originNs: BigInt(ms) * 1_000_000n - BigInt(ts) };
    }
    beforeTs = afterTs;
  }
}
