import type { ExportStats } from './export-stats.js';
import { SendQueue } from './send-queue.js';
import { BatchDelay, type Sink, type SinkContext } from './sink.js';
import type { TraceSpan } from '../trace-span.js';

/** What a span takes as an object, about. */
const SPAN_BYTES = 2048;

/** Takes batches of spans. */
export interface SpanDestination {
  readonly name: string;
  /** @throws Error when the spans were not taken */
  send(spans: readonly TraceSpan[]): void | Promise<void>;
  flush?(): Promise<void>;
  shutdown?(): Promise<void>;
}

/** Collects spans as objects and sends them in batches. */
export class SpanSink implements Sink {
  readonly #queue: SendQueue<readonly TraceSpan[]>;
  readonly #delay: BatchDelay;
  #open: TraceSpan[] = [];

  constructor(
    private readonly destination: SpanDestination,
    private readonly context: SinkContext,
    stats: ExportStats,
    onError: (error: Error) => void,
  ) {
    this.#delay = new BatchDelay(context);
    this.#queue = new SendQueue({
      maxSpans: context.maxQueueSpans,
      timeoutMs: context.exportTimeoutMs,
      stats,
      send: async (spans) => {
        await destination.send(spans);
        return 0;
      },
      onError,
    });
  }

  get name(): string {
    return this.destination.name;
  }

  takeSpan(span: TraceSpan): void {
    if (this.#open.length === 0) this.#delay.begin();
    this.#open.push(span);
    if (this.#open.length >= this.context.maxBatchSpans) this.#seal();
  }

  onDrained(nowMs: number): void {
    if (this.#delay.isOver(nowMs) && this.#open.length > 0) this.#seal();
  }

  async flush(): Promise<void> {
    if (this.#open.length > 0) this.#seal();
    await this.#queue.idle();
    await this.destination.flush?.();
  }

  async shutdown(): Promise<void> {
    await this.flush();
    await this.destination.shutdown?.();
  }

  #seal(): void {
    const spans = this.#open;
    this.#open = [];
    this.#queue.push({ payload: spans, spans: spans.length, bytes: spans.length * SPAN_BYTES });
  }
}
