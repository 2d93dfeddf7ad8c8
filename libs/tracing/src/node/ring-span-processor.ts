import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { now } from '../clock.js';
import type { SpanWriter } from '../recording/span-writer.js';
import { writeReadableSpan } from './write-readable-span.js';

/** A start that is so far from now was given by the caller; the SDK's own is a whole millisecond. */
const NOW_MS = 2;

/** Writes the SDK's spans into this thread's ring as they end. */
export class RingSpanProcessor implements SpanProcessor {
  readonly #startTs = new WeakMap<object, number>();

  /** @param writer called for each span: the ring is made when there is one */
  constructor(private readonly writer: () => SpanWriter) {}

  /** The SDK's start is exact to a millisecond only, which would put a parent's end before its children's. */
  onStart(span: ReadableSpan): void {
    const [seconds, nanoseconds] = span.startTime;
    if (Math.abs(seconds * 1000 + nanoseconds / 1e6 - Date.now()) < NOW_MS) this.#startTs.set(span, now());
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    writeReadableSpan(this.writer(), span, this.#startTs.get(span));
  }

  /** What is in the ring is the exporter's to send. */
  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
