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

/** What every sink is made with. */
export interface SinkContext {
  readonly maxBatchSpans: number;
  readonly maxQueueSpans: number;
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
}
