import type { TraceSpan } from '@sliceway/tracing';

/** What has to come through every way alike, in the order of span ids. */
export interface SpanOutline {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly traceId: string;
  readonly name: string;
  readonly service: unknown;
  readonly startUs: bigint;
  readonly durationUs: bigint;
  /** `trace id/span id`, in order. */
  readonly links: readonly string[];
  readonly events: readonly string[];
}

/** Without what Jaeger does not keep: kinds of links, and times below a microsecond. */
export function outline(spans: readonly TraceSpan[]): SpanOutline[] {
  return spans
    .map(({ spanId, parentSpanId, traceId, name, resource, startNs, endNs, links, events }) => ({
      spanId,
      parentSpanId,
      traceId,
      name,
      service: resource['service.name'],
      startUs: startNs / 1000n,
      durationUs: (endNs - startNs) / 1000n,
      links: links.map((link) => `${link.traceId}/${link.spanId}`).sort(),
      events: events.map((event) => event.name).sort(),
    }))
    .sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
}
