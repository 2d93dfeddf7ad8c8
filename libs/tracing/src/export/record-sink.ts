import type { TraceAttributes } from '../request-trace.js';
import type { RingReader } from '../recording/ring-reader.js';
import type { SharedControl } from '../recording/shared-control.js';
import type { AttributeNames } from './further-names.js';
import type { ExportStats } from './export-stats.js';
import { OtlpBatch } from './otlp-batch.js';
import type { OtlpTransport } from './otlp-transport.js';
import { SendQueue } from './send-queue.js';
import { BatchDelay, type Sink, type SinkContext } from './sink.js';
import type { SpanLimits } from './span-limits.js';

export interface RecordSinkOptions {
  readonly context: SinkContext;
  readonly control: SharedControl;
  readonly resource: TraceAttributes;
  readonly stats: ExportStats;
  readonly transport: OtlpTransport;
  /** Further names of attributes. */
  readonly names: AttributeNames | null;
  readonly limits: SpanLimits;
  readonly onError: (error: Error) => void;
}

/** Encodes records as OTLP and sends them in batches. */
export class RecordSink implements Sink {
  readonly name = 'otlp';
  readonly #batch: OtlpBatch;
  readonly #queue: SendQueue<Uint8Array>;
  readonly #delay: BatchDelay;

  constructor(private readonly options: RecordSinkOptions) {
    const { context, control, resource, stats, transport, names, limits, onError } = options;
    this.#delay = new BatchDelay(context);
    this.#batch = new OtlpBatch(control, resource, names, limits);
    this.#queue = new SendQueue({
      maxSpans: context.maxQueueSpans,
      timeoutMs: context.exportTimeoutMs,
      stats,
      send: (request, signal) => transport.send(request, signal),
      onError,
    });
  }

  takeRecord(ring: RingReader, word: number): void {
    if (this.#batch.spans === 0) this.#delay.begin();
    this.#batch.add(ring, word);
    if (this.#batch.spans >= this.options.context.maxBatchSpans) this.#seal();
  }

  onDrained(nowMs: number): void {
    if (this.#delay.isOver(nowMs) && this.#batch.spans > 0) this.#seal();
  }

  flush(): Promise<void> {
    if (this.#batch.spans > 0) this.#seal();
    return this.#queue.idle();
  }

  async shutdown(): Promise<void> {
    await this.flush();
    this.options.transport.shutdown();
  }

  #seal(): void {
    const { spans } = this.#batch;
    const request = this.#batch.take();
    this.#queue.push({ payload: request, spans, bytes: request.length });
  }
}
