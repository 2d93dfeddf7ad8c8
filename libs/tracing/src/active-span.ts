import { context, isSpanContextValid, trace, TraceFlags, type Context, type Span } from '@opentelemetry/api';
import { ContextHeader, recordCarrier, type ContextCarrier } from './context-carrier.js';

/** What log lines have of the work that they are written in. */
export interface ActiveFields {
  trace_id?: string;
  span_id?: string;
  rid?: string;
}

/** Of the spans that are of a request of ours. */
const rids = new WeakMap<Span, string>();

/** OpenTelemetry's context of a moment. */
export type ActiveContext = Context;

export function activeContext(): ActiveContext {
  return context.active();
}

/** Does what belongs to an earlier moment, such as to write a line: before Node.js 24 a context ends at an `await`. */
export function withContext<T>(active: ActiveContext, work: () => T): T {
  return context.with(active, work);
}

/** The context of OpenTelemetry's active span: the parent of what begins now. Undefined where there is none. */
export function activeParent(): ContextCarrier | undefined {
  const active = trace.getActiveSpan()?.spanContext();
  if (active === undefined || !isSpanContextValid(active)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = active;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0');
  const tracestate = traceState?.serialize();
  return recordCarrier({
    [ContextHeader.traceparent]: `00-${traceId}-${spanId}-${flags}`,
    ...(tracestate ? { [ContextHeader.tracestate]: tracestate } : {}),
  });
}

/** The active span is that of this request. Kept with the span: the context of a body's events is that of their stream. */
export function setActiveRid(rid: string): void {
  const span = trace.getActiveSpan();
  if (span !== undefined) rids.set(span, rid);
}

/** Of the active span, if it is recorded, and of its request. */
export function activeFields(): ActiveFields {
  const fields: ActiveFields = {};
  const span = trace.getActiveSpan();
  if (span === undefined) return fields;
  const { traceId, spanId, traceFlags } = span.spanContext();
  if ((traceFlags & TraceFlags.SAMPLED) !== 0) {
    fields.trace_id = traceId;
    fields.span_id = spanId;
  }
  const rid = rids.get(span);
  if (rid !== undefined) fields.rid = rid;
  return fields;
}
