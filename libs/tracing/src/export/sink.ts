import type { RingReader } from '../recording/ring-reader.js';
import type { TraceSpan } from '../trace-span.js';

/** Where the exporter's thread puts spans. */
export interface Sink {
  readonly name: string;
  /** Takes a span as it lies in the ring, if the sink can. */
  readonly takeRecord?: (ring: RingReader, word: number) => void;
  /** Takes a span as an object, else. */
  readonly takeSpan?: (span: TraceSpan) => void;
  /** Called after each look at the rings: sends what has waited long enough. */
  onDrained(nowMs: number): void;
  /** Resolves when all that was taken has been sent or given up. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Timers are not exact: a batch that would be due so soon after a look does not wait for the next one. */
const EARLY_MS = 5;

/** Whether a batch has waited long enough. @param sinceMs of the look before it began: it may hold spans as old */
export function isDue(sinceMs: number, nowMs: number, { scheduleDelayMs }: SinkContext): boolean {
  return nowMs - sinceMs >= scheduleDelayMs - EARLY_MS;
}

/** What every sink is made with. */
export interface SinkContext {
  readonly maxBatchSpans: number;
  readonly maxQueueSpans: number;
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
}
