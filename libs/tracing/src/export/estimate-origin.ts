import { now } from '../clock.js';
import type { SharedControl } from '../recording/shared-control.js';

const TRIES = 5;
/** A tick that was seen this closely is good enough. */
const CLOSE_NS = 5000;
/** An estimate that may be off by more is worse than the one of 10 s ago: a clock drifts by less in that time. */
const MAX_GAP_NS = 100_000;

export interface OriginEstimate {
  /** When `ts` was 0, in nanoseconds since the epoch. */
  readonly originNs: bigint;
  /** For how long the clock was not looked at when it ticked: it may be off by half of that. */
  readonly gapNs: number;
}

/**
 * The wall clock has milliseconds only, so that it is read until it ticks. Takes about a millisecond; exact to a few hundred
 * nanoseconds unless the thread is interrupted.
 */
export function estimateOrigin(): OriginEstimate {
  let best: OriginEstimate = { gapNs: Infinity, originNs: 0n };
  for (let i = 0; i < TRIES && best.gapNs > CLOSE_NS; i++) {
    const tick = awaitTick();
    if (tick.gapNs < best.gapNs) best = tick;
  }
  return best;
}

/** Takes an estimate of now; the former one stays where that is better. */
export function updateOrigin(control: SharedControl, { gapNs, originNs } = estimateOrigin()): void {
  const isFirst = control.originSeconds(control.epoch) === 0;
  if (isFirst || gapNs <= MAX_GAP_NS) control.addEpoch(originNs);
}

function awaitTick(): OriginEstimate {
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
