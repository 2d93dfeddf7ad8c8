import type { ForwardResult } from './scheduling/forward-batch.js';
import type { ScheduledBatch } from './scheduling/scheduler.js';

/** Watches an engine at work; what it does must be cheap. Times are nanoseconds of the host's monotonic clock. */
export interface EngineObserver {
  /** A batch was put together and goes to the engine thread. */
  onSchedule(batch: ScheduledBatch): void;
  /** Its forward and sampling are done. */
  onForward(batch: ScheduledBatch, result: ForwardResult): void;
}

export const NULL_OBSERVER: EngineObserver = { onSchedule() {}, onForward() {} };
