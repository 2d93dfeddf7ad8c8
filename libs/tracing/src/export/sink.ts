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

/** How long a batch has waited: since the look before it began, for it may hold spans as old. */
export class BatchDelay {
  #lookedMs = 0;
  #sinceMs = 0;

  constructor(private readonly context: SinkContext) {}

  /** The next batch begins. */
  begin(): void {
    this.#sinceMs = this.#lookedMs;
  }

  /** Called at each look. @returns whether the batch has waited long enough */
  isOver(nowMs: number): boolean {
    this.#lookedMs = nowMs;
    return nowMs - this.#sinceMs >= this.context.scheduleDelayMs - EARLY_MS;
  }
}

/** What every sink is made with. */
export interface SinkContext {
  readonly maxBatchSpans: number;
  readonly maxQueueSpans: number;
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
}
