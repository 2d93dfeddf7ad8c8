import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import { SCOPE_NAME } from '../recording/read-span.js';
import { isInt64 } from './otlp-values.js';
import type { Attributed, TraceSpan } from '../trace-span.js';
import { VERSION } from './version.js';

/** W3C trace flags: what is recorded was sampled. */
const SAMPLED = 1;

/** Spans of one resource as an ExportTraceServiceRequest in OTLP's JSON, without line breaks. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function encodeOtlpJson(spans: readonly TraceSpan[], resource: TraceAttributes): string {
  const byScope = new Map<string, TraceSpan[]>();
  for (const span of spans) {
    const known = byScope.get(span.scope);
    if (known === undefined) byScope.set(span.scope, [span]);
    else known.push(span);
  }
  const scopeSpans = [...byScope].map(([name, members]) => ({
    scope: name === SCOPE_NAME ? { name, version: VERSION } : { name },
    spans: members.map(jsonSpan),
  }));
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: keyValues(resource) }, scopeSpans }] });
}

function jsonSpan(span: TraceSpan): object {
  const { traceId, spanId, parentSpanId, traceState, name, kind, startNs, endNs, attributes, events, links, status } =
    span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === null ? {} : { parentSpanId }),
    ...(traceState === '' ? {} : { traceState }),
    flags: SAMPLED,
    name,
    kind,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(endNs),
    attributes: keyValues(attributes),
    ...droppedAttributes(span),
    events: events.map((event) => ({
      timeUnixNano: String(event.timeNs),
      name: event.name,
      attributes: keyValues(event.attributes),
      ...droppedAttributes(event),
    })),
    links: links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: keyValues(link.attributes),
      ...droppedAttributes(link),
    })),
    droppedEventsCount: span.droppedEvents,
    droppedLinksCount: span.droppedLinks,
    status: status.message === '' ? { code: status.code } : status,
  };
}

function droppedAttributes({ droppedAttributes: count = 0 }: Attributed): object {
  return count === 0 ? {} : { droppedAttributesCount: count };
}

function keyValues(attributes: TraceAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'object') return { arrayValue: { values: value.map((each) => anyValue(each)) } };
  if (isInt64(value)) return { intValue: String(BigInt(value)) };
  // JSON has none of NaN and the infinities; protobuf's JSON writes their names.
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}
