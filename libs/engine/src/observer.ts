import type { ForwardResult } from './scheduling/forward-batch.js';
import type { QueueAhead } from './scheduling/roster.js';
import type { ScheduledBatch } from './scheduling/scheduler.js';
import type { TokenEvent } from './scheduling/sequence.js';

/** Watches an engine at work; what it does must be cheap. Times are nanoseconds of the host's monotonic clock. */
export interface EngineObserver {
  /** A batch was put together and goes to the engine thread. */
  onSchedule(batch: ScheduledBatch): void;
  /** Its forward and sampling are done. */
  onForward(batch: ScheduledBatch, result: ForwardResult): void;
}

export const NULL_OBSERVER: EngineObserver = { onSchedule() {}, onForward() {} };

/** Watches one request of a `LocalEngine` from its prompt to its end. */
export interface GenerateObserver {
  onStart(): void;
  /** The prompt is encoded, and waits in the engine under this id. @param ahead what is served before it */
  onQueued(id: string, promptTokens: number, ahead: QueueAhead): void;
  /** A token was handed over. */
  onToken(event: TokenEvent): void;
  /** Called once, whatever ended it: its last token, a caller who left, or an error. */
  onEnd(error?: Error): void;
}
