import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { TraceAttributes } from '../request-trace.js';
import type { ExportStats } from './export-stats.js';
import { readableSpans } from './readable-span.js';
import type { Sink } from './sink.js';
import type { SpanDestination } from './span-sink.js';
import { startedSpan } from './started-span.js';
import { loadUserObject } from './user-module.js';

/** A module may have just the methods that it cannot do without. */
type Needed<T, K extends keyof T> = Pick<T, K> & Partial<T>;

/** A user's `SpanExporter`, which gets batches. */
export async function createUserExporter(path: string, resource: TraceAttributes): Promise<SpanDestination> {
  const exporter = await loadUserObject<Needed<SpanExporter, 'export'>>(path, 'export');
  const toReadable = readableSpans(resource);
  return {
    name: path,
    send: (spans) =>
      new Promise((resolve, reject) =>
        exporter.export(spans.map(toReadable), ({ code, error }) =>
          code === 0 ? resolve() : reject(error ?? new Error(`${path}: export failed`)),
        ),
      ),
    flush: async () => exporter.forceFlush?.(),
    shutdown: async () => exporter.shutdown?.(),
  };
}

/** A user's `SpanProcessor`. Spans come when they are over: `onStart` and `onEnd` are called one after the other. */
export async function createUserProcessor(
  path: string,
  resource: TraceAttributes,
  stats: ExportStats,
  onError: (error: Error) => void,
): Promise<Sink> {
  const processor = await loadUserObject<Needed<SpanProcessor, 'onEnd'>>(path, 'onEnd');
  const toReadable = readableSpans(resource);
  const guarded = async (work: () => void | Promise<void> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      stats.add('failures');
      onError(error as Error);
    }
  };
  return {
    name: path,
    takeSpan(span) {
      const started = startedSpan(toReadable(span));
      try {
        processor.onStart?.(started, parentOf(started));
        processor.onEnd(started);
        stats.add('exported');
      } catch (error) {
        stats.add('failures');
        stats.add('droppedExport');
        onError(error as Error);
      }
    },
    onDrained() {},
    flush: () => guarded(() => processor.forceFlush?.()),
    shutdown: () => guarded(() => processor.shutdown?.()),
  };
}

function parentOf({ parentSpanContext }: ReadableSpan): Context {
  return parentSpanContext === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parentSpanContext);
}
