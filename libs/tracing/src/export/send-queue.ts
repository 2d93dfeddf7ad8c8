import type { ExportStats } from './export-stats.js';

/** Batches under way to one destination: so few that a dead one costs little memory, so many that a far one keeps up. */
const MAX_IN_FLIGHT = 4;
const MAX_BYTES = 64 << 20;

export interface QueuedBatch<T> {
  readonly payload: T;
  readonly spans: number;
  readonly bytes: number;
}

export interface SendQueueOptions<T> {
  readonly maxSpans: number;
  readonly timeoutMs: number;
  readonly stats: ExportStats;
  /** Resolves with how many spans of the batch were not taken. After `timeoutMs` the signal is aborted: the batch counts as dropped. */
  readonly send: (payload: T, signal: AbortSignal) => Promise<number>;
  readonly onError: (error: Error) => void;
}

/** Batches that wait for their destination; when there are too many the oldest are dropped and counted. */
export class SendQueue<T> {
  readonly #waiting: QueuedBatch<T>[] = [];
  #waitingSpans = 0;
  #waitingBytes = 0;
  #inFlight = 0;
  #onIdle: (() => void)[] = [];

  constructor(private readonly options: SendQueueOptions<T>) {}

  push(batch: QueuedBatch<T>): void {
    const { maxSpans, stats } = this.options;
    while (
      this.#waiting.length > 0 &&
      (this.#waitingSpans + batch.spans > maxSpans || this.#waitingBytes + batch.bytes > MAX_BYTES)
    ) {
      stats.add('droppedQueue', this.#shift().spans);
    }
    this.#waiting.push(batch);
    this.#waitingSpans += batch.spans;
    this.#waitingBytes += batch.bytes;
    this.#pump();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #shift(): QueuedBatch<T> {
    const batch = this.#waiting.shift()!;
    this.#waitingSpans -= batch.spans;
    this.#waitingBytes -= batch.bytes;
    return batch;
  }

  #pump(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.#waiting.length > 0) void this.#send(this.#shift());
    if (this.#inFlight === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  async #send({ payload, spans }: QueuedBatch<T>): Promise<void> {
    const { stats, onError } = this.options;
    this.#inFlight++;
    try {
      const rejected = Math.min(spans, await this.#withinTime(payload));
      stats.add('batches');
      stats.add('exported', spans - rejected);
      stats.add('droppedExport', rejected);
    } catch (error) {
      stats.add('failures');
      stats.add('droppedExport', spans);
      onError(error as Error);
    }
    this.#inFlight--;
    this.#pump();
  }

  async #withinTime(payload: T): Promise<number> {
    const { timeoutMs, send } = this.options;
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`no answer within ${timeoutMs} ms`);
        reject(error);
        controller.abort(error);
      }, timeoutMs);
    });
    const sent = send(payload, controller.signal);
    try {
      return await Promise.race([sent, timeout]);
    } finally {
      clearTimeout(timer);
      // Lost the race: its failure was reported as the timeout.
      sent.catch(() => {});
    }
  }
}
