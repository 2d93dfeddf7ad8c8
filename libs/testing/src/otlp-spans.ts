import { fileURLToPath } from 'node:url';
import type { SpanKind, SpanStatus, TraceAttributes, TraceSpan } from '@sliceway/tracing';
import protobuf from 'protobufjs';

/** As the official .proto has it, with its defaults; 64-bit integers are decimal strings, bytes are Buffers. */
export interface OtlpTraceRequest {
  readonly resourceSpans: readonly OtlpResourceSpans[];
}

export interface OtlpResourceSpans {
  readonly resource: { readonly attributes: readonly OtlpKeyValue[] } | null;
  readonly scopeSpans: readonly {
    readonly scope: { readonly name: string; readonly version: string } | null;
    readonly spans: readonly OtlpSpan[];
  }[];
}

export interface OtlpKeyValue {
  readonly key: string;
  readonly value: OtlpValue | null;
}

export interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
}

export interface OtlpSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpKeyValue[];
  readonly droppedAttributesCount: number;
  readonly events: readonly {
    readonly timeUnixNano: string;
    readonly name: string;
    readonly attributes: readonly OtlpKeyValue[];
  }[];
  readonly droppedEventsCount: number;
  readonly links: readonly {
    readonly traceId: Buffer;
    readonly spanId: Buffer;
    readonly flags: number;
    readonly attributes: readonly OtlpKeyValue[];
  }[];
  readonly droppedLinksCount: number;
  readonly status: { readonly message: string; readonly code: number } | null;
}

/** https://github.com/open-telemetry/opentelemetry-proto, v1.11.0 */
const PROTO = fileURLToPath(new URL('../proto/', import.meta.url));
const SERVICE = 'opentelemetry.proto.collector.trace.v1';

function loadProto(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => PROTO + target;
  return root.loadSync('opentelemetry/proto/collector/trace/v1/trace_service.proto');
}
const proto = loadProto();
const requestType = proto.lookupType(`${SERVICE}.ExportTraceServiceRequest`);
const responseType = proto.lookupType(`${SERVICE}.ExportTraceServiceResponse`);

/** Whether bytes are fields, by the outermost ones. */
export function isProtobuf(bytes: Uint8Array): boolean {
  const reader = protobuf.Reader.create(bytes);
  try {
    while (reader.pos < reader.len) reader.skipType(reader.uint32() & 7);
    return true;
  } catch {
    return false;
  }
}

/** @throws Error if the bytes are no request */
export function decodeTraceRequest(bytes: Uint8Array): OtlpTraceRequest {
  // Of a Buffer the fields become Buffers, too.
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return requestType.toObject(requestType.decode(buffer), {
    longs: String,
    defaults: true,
    oneofs: false,
  }) as OtlpTraceRequest;
}

export function encodeTraceResponse(partialSuccess?: { rejectedSpans: number; errorMessage: string }): Buffer {
  return Buffer.from(
    responseType.encode({ ...(partialSuccess && { partialSuccess }) } as object as protobuf.Message).finish(),
  );
}

/** The spans of a request, flat. */
export function toTraceSpans(request: OtlpTraceRequest): TraceSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attributes = toAttributes(resource?.attributes ?? []);
    return scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => toTraceSpan(span, scope?.name ?? '', attributes)),
    );
  });
}

function toTraceSpan(span: OtlpSpan, scope: string, resource: TraceAttributes): TraceSpan {
  return {
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parentSpanId: span.parentSpanId.length === 0 ? null : span.parentSpanId.toString('hex'),
    traceState: span.traceState,
    name: span.name,
    kind: span.kind as SpanKind,
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    attributes: toAttributes(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeNs: BigInt(event.timeUnixNano),
      attributes: toAttributes(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId.toString('hex'),
      spanId: link.spanId.toString('hex'),
      attributes: toAttributes(link.attributes),
    })),
    droppedEvents: span.droppedEventsCount,
    droppedLinks: span.droppedLinksCount,
    status: { code: (span.status?.code ?? 0) as SpanStatus, message: span.status?.message ?? '' },
    scope,
    resource,
  };
}

function toAttributes(pairs: readonly OtlpKeyValue[]): TraceAttributes {
  const attributes: Record<string, TraceAttributes[string]> = {};
  for (const { key, value } of pairs) attributes[key] = toValue(value ?? {}) as TraceAttributes[string];
  return attributes;
}

function toValue(value: OtlpValue): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(toValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? '';
}
