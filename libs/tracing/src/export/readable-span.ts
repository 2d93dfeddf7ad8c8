import { createTraceState, type HrTime, type SpanContext, TraceFlags } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { TraceAttributes } from '../request-trace.js';
import { SCOPE_NAME } from '../recording/read-span.js';
import type { TraceSpan } from '../trace-span.js';
import { VERSION } from './version.js';

const NS_IN_SECOND = 1_000_000_000n;

type MutableAttributes = Record<string, string | number | boolean | string[] | number[]>;

/** Makes spans as OpenTelemetry's SDK has them, all of one resource. */
export function readableSpans(resourceAttributes: TraceAttributes): (span: TraceSpan) => ReadableSpan {
  const resource = resourceFromAttributes(copy(resourceAttributes));
  const scopes = new Map<string, ReadableSpan['instrumentationScope']>();
  const scopeOf = (name: string): ReadableSpan['instrumentationScope'] => {
    let scope = scopes.get(name);
    if (scope === undefined) scopes.set(name, (scope = name === SCOPE_NAME ? { name, version: VERSION } : { name }));
    return scope;
  };
  return (span) => {
    const context = contextOf(span.traceId, span.spanId, span.traceState);
    return {
      name: span.name,
      // The API numbers kinds from 0, OTLP from 1.
      kind: span.kind - 1,
      spanContext: () => context,
      ...(span.parentSpanId === null
        ? {}
        : { parentSpanContext: contextOf(span.traceId, span.parentSpanId, span.traceState) }),
      startTime: hrTime(span.startNs),
      endTime: hrTime(span.endNs),
      duration: hrTime(span.endNs - span.startNs),
      ended: true,
      status: span.status.message === '' ? { code: span.status.code } : span.status,
      attributes: copy(span.attributes),
      events: span.events.map(({ name, timeNs, attributes, droppedAttributes = 0 }) => ({
        name,
        time: hrTime(timeNs),
        attributes: copy(attributes),
        droppedAttributesCount: droppedAttributes,
      })),
      links: span.links.map(({ traceId, spanId, attributes, droppedAttributes = 0 }) => ({
        context: contextOf(traceId, spanId, ''),
        attributes: copy(attributes),
        droppedAttributesCount: droppedAttributes,
      })),
      resource,
      instrumentationScope: scopeOf(span.scope),
      droppedAttributesCount: span.droppedAttributes ?? 0,
      droppedEventsCount: span.droppedEvents,
      droppedLinksCount: span.droppedLinks,
    };
  };
}

function contextOf(traceId: string, spanId: string, traceState: string): SpanContext {
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  return traceState === '' ? context : { ...context, traceState: createTraceState(traceState) };
}

function hrTime(ns: bigint): HrTime {
  return [Number(ns / NS_IN_SECOND), Number(ns % NS_IN_SECOND)];
}

function copy(attributes: TraceAttributes): MutableAttributes {
  return { ...attributes } as MutableAttributes;
}
