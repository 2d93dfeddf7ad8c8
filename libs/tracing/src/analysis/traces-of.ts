import { AttributeName } from '../names.js';
import type { TraceSpan } from '../trace-span.js';
import { placeOf, SpanPlace } from './span-tree.js';

/** Requests in spans, in the order of their start: the `rid` of each, once. */
export function ridsOf(spans: readonly TraceSpan[]): string[] {
  const requests = spans.filter((span) => placeOf(span) === SpanPlace.request);
  requests.sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
  return [...new Set(requests.map(({ attributes }) => String(attributes[AttributeName.rid])))];
}

/**
 * The spans of the traces in which a request is, and of the batch steps that these link to.
 *
 * @param rid or its beginning
 */
export function tracesOf(spans: readonly TraceSpan[], rid: string): TraceSpan[] {
  const traceIds = new Set<string>();
  for (const span of spans) {
    const isIt = placeOf(span) === SpanPlace.request && String(span.attributes[AttributeName.rid]).startsWith(rid);
    if (isIt) traceIds.add(span.traceId);
  }
  const steps = new Set<string>();
  for (const { traceId, links } of spans) {
    if (traceIds.has(traceId)) for (const link of links) steps.add(link.traceId + link.spanId);
  }
  return spans.filter((span) => {
    const isStep = placeOf(span) === SpanPlace.batchStep && steps.has(span.traceId + span.spanId);
    return traceIds.has(span.traceId) || isStep;
  });
}
