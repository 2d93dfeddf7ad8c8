import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import { SpanKind, SpanStatus, type TraceSpan } from '../trace-span.js';
import { TraceFormatError } from './trace-format-error.js';

// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number | string;
  readonly boolValue?: boolean;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
}

interface KeyValue {
  readonly key: string;
  readonly value?: AnyValue;
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name?: string;
  readonly kind?: number | string;
  readonly startTimeUnixNano?: string | number;
  readonly endTimeUnixNano?: string | number;
  readonly attributes?: readonly KeyValue[];
  readonly events?: readonly { name?: string; timeUnixNano?: string | number; attributes?: readonly KeyValue[] }[];
  readonly links?: readonly { traceId: string; spanId: string; attributes?: readonly KeyValue[] }[];
  readonly droppedEventsCount?: number;
  readonly droppedLinksCount?: number;
  readonly status?: { readonly code?: number | string; readonly message?: string };
}

interface Request {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans?: readonly { readonly scope?: { readonly name?: string }; readonly spans?: readonly Span[] }[];
  }[];
}

/**
 * Reads OTLP JSON, one ExportTraceServiceRequest on each line, as our file destination and the collector's file exporter write it.
 * The last line may be broken off: its writer was killed. Lines of logs and metrics are passed over.
 *
 * @throws TraceFormatError for any other line that cannot be read
 */
export function readOtlpJson(text: string): TraceSpan[] {
  const spans: TraceSpan[] = [];
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => line.trim() !== '');
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      const request = JSON.parse(line) as Request | null;
      spans.push(...spansOf(request ?? {}));
    } catch (error) {
      if (i !== last) throw new TraceFormatError(`line ${i + 1} is no OTLP JSON`, { cause: error });
    }
  });
  return spans;
}

function spansOf(request: Request): TraceSpan[] {
  const spans: TraceSpan[] = [];
  for (const { resource, scopeSpans = [] } of request.resourceSpans ?? []) {
    const attributes = attributesOf(resource?.attributes);
    for (const { scope, spans: inScope = [] } of scopeSpans) {
      for (const span of inScope) spans.push(spanOf(span, scope?.name ?? '', attributes));
    }
  }
  return spans;
}

function spanOf(span: Span, scope: string, resource: TraceAttributes): TraceSpan {
  return {
    traceId: span.traceId.toLowerCase(),
    spanId: span.spanId.toLowerCase(),
    parentSpanId: /[1-9a-f]/i.test(span.parentSpanId ?? '') ? span.parentSpanId!.toLowerCase() : null,
    traceState: span.traceState ?? '',
    name: span.name ?? '',
    kind: numbered(span.kind, 'SPAN_KIND_', SpanKind, SpanKind.internal),
    startNs: BigInt(span.startTimeUnixNano ?? 0),
    endNs: BigInt(span.endTimeUnixNano ?? 0),
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map(({ name = '', timeUnixNano = 0, attributes }) => {
      return { name, timeNs: BigInt(timeUnixNano), attributes: attributesOf(attributes) };
    }),
    links: (span.links ?? []).map(({ traceId, spanId, attributes }) => {
      return { traceId: traceId.toLowerCase(), spanId: spanId.toLowerCase(), attributes: attributesOf(attributes) };
    }),
    droppedEvents: span.droppedEventsCount ?? 0,
    droppedLinks: span.droppedLinksCount ?? 0,
    status: {
      code: numbered(span.status?.code, 'STATUS_CODE_', SpanStatus, SpanStatus.unset),
      message: span.status?.message ?? '',
    },
    scope,
    resource,
  };
}

/** Enumerations are numbers, yet some write their names. */
function numbered<T extends number>(
  value: number | string | undefined,
  prefix: string,
  names: Readonly<Record<string, T>>,
  fallback: T,
): T {
  if (typeof value === 'string') return names[value.replace(prefix, '').toLowerCase()] ?? fallback;
  return value !== undefined && Object.values<number>(names).includes(value) ? (value as T) : fallback;
}

function attributesOf(list: readonly KeyValue[] = []): TraceAttributes {
  return Object.fromEntries(list.map(({ key, value = {} }) => [key, valueOf(value)]));
}

function valueOf(value: AnyValue): AttributeValue {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf) as readonly string[];
  if (value.kvlistValue !== undefined) return JSON.stringify(attributesOf(value.kvlistValue.values));
  return value.bytesValue ?? '';
}
