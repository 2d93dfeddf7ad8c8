import type { MetricsRegistry } from './metrics.js';
import { countFrom } from './read-metrics.js';

/** What became of the spans of this process. */
export interface TraceStats {
  readonly exported: number;
  /** A thread's ring was full. */
  readonly droppedRing: number;
  /** The exporter's queue was full. */
  readonly droppedQueue: number;
  /** The receiver did not take them, or the exporter's thread died. */
  readonly droppedExport: number;
  /** Contexts that came in, and were ignored. */
  readonly malformedContexts: number;
}

/** Shows what tracing loses: it never holds serving up, so that this is how one hears of it. */
export function measureTracing(registry: MetricsRegistry, tracing: { stats(): TraceStats }): void {
  countFrom(registry, 'sliceway_trace_spans_total', 'Spans of this process, by what became of them', ['state'], () => {
    const { exported, droppedRing, droppedQueue, droppedExport } = tracing.stats();
    return [
      [{ state: 'exported' }, exported],
      [{ state: 'dropped_ring' }, droppedRing],
      [{ state: 'dropped_queue' }, droppedQueue],
      [{ state: 'dropped_export' }, droppedExport],
    ];
  });
  countFrom(
    registry,
    'sliceway_trace_contexts_malformed_total',
    'Trace contexts of messages and requests that were malformed, and ignored',
    [],
    () => [[{}, tracing.stats().malformedContexts]],
  );
}
