import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import { SpanKind, SpanStatus, type SpanEvent, type SpanLink, type TraceSpan } from '../trace-span.js';
import { TraceFormatError } from './trace-format-error.js';

// https://github.com/jaegertracing/jaeger/blob/main/internal/uimodel/model.go

interface Tag {
  readonly key: string;
  readonly type?: string;
  readonly value: string | number | boolean;
}

interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references?: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  /** Microseconds. */
  readonly startTime: number;
  readonly duration: number;
  readonly tags?: readonly Tag[] | null;
  readonly logs?: readonly { readonly timestamp: number; readonly fields?: readonly Tag[] }[] | null;
  readonly processID: string;
}

interface JaegerTrace {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string; readonly tags?: readonly Tag[] | null }>>;
}

/** What Jaeger makes of fields that OTLP has and it has not. */
const STATUS_TAGS: ReadonlySet<string> = new Set([
  'span.kind',
  'error',
  'otel.status_code',
  'otel.status_description',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'w3c.tracestate',
  'internal.span.format',
]);

/**
 * Reads the answer of Jaeger's `/api/traces/{id}`, parsed. Jaeger keeps microseconds, and of a link only where it leads.
 *
 * @throws TraceFormatError if it is none
 */
export function readJaegerTrace(answer: unknown): TraceSpan[] {
  const { data } = (answer ?? {}) as { readonly data?: readonly JaegerTrace[] | null };
  if (!Array.isArray(data)) throw new TraceFormatError('Jaeger gave no traces');
  return (data as readonly JaegerTrace[]).flatMap(({ spans, processes }) => {
    return spans.map((span) => spanOf(span, processes[span.processID] ?? { serviceName: '' }));
  });
}

function spanOf(span: JaegerSpan, process: JaegerTrace['processes'][string]): TraceSpan {
  const tags = new Map((span.tags ?? []).map(({ key, value }) => [key, value]));
  const text = (key: string): string => String(tags.get(key) ?? '');
  const traceId = span.traceID.padStart(32, '0');
  const references = span.references ?? [];
  const parent = references.find(({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID);
  const isError = text('otel.status_code') === 'ERROR' || tags.get('error') === true;
  return {
    traceId,
    spanId: span.spanID.padStart(16, '0'),
    parentSpanId: parent ? parent.spanID.padStart(16, '0') : null,
    traceState: text('w3c.tracestate'),
    name: span.operationName,
    kind: SpanKind[(text('span.kind') || 'internal') as keyof typeof SpanKind] ?? SpanKind.internal,
    startNs: nanoseconds(span.startTime),
    endNs: nanoseconds(span.startTime + span.duration),
    attributes: attributesOf((span.tags ?? []).filter(({ key }) => !STATUS_TAGS.has(key))),
    events: (span.logs ?? []).map(eventOf),
    links: references.filter((reference) => reference !== parent).map(linkOf),
    droppedEvents: 0,
    droppedLinks: 0,
    status: {
      code: isError ? SpanStatus.error : text('otel.status_code') === 'OK' ? SpanStatus.ok : SpanStatus.unset,
      message: text('otel.status_description'),
    },
    scope: text('otel.scope.name') || text('otel.library.name'),
    resource: { 'service.name': process.serviceName, ...attributesOf(process.tags ?? []) },
  };
}

function linkOf({ traceID, spanID }: { readonly traceID: string; readonly spanID: string }): SpanLink {
  return { traceId: traceID.padStart(32, '0'), spanId: spanID.padStart(16, '0'), attributes: {} };
}

function eventOf({ timestamp, fields = [] }: { timestamp: number; fields?: readonly Tag[] }): SpanEvent {
  const name = fields.find(({ key }) => key === 'event')?.value ?? '';
  return {
    name: String(name),
    timeNs: nanoseconds(timestamp),
    attributes: attributesOf(fields.filter(({ key }) => key !== 'event')),
  };
}

function nanoseconds(microseconds: number): bigint {
  return BigInt(Math.round(microseconds)) * 1000n;
}

function attributesOf(tags: readonly Tag[]): TraceAttributes {
  return Object.fromEntries(tags.map(({ key, value }) => [key, valueOf(value)]));
}

/** It writes lists as text. */
function valueOf(value: string | number | boolean): AttributeValue {
  if (typeof value !== 'string' || !value.startsWith('[')) return value;
  try {
    const list = JSON.parse(value) as unknown;
    return Array.isArray(list) && list.every((each) => typeof each === typeof list[0]) ? (list as string[]) : value;
  } catch {
    return value;
  }
}
