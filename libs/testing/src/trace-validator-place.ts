import { AttributeName, placeOf, SpanPlace, TraceRole, type SpanTree, type TraceSpan } from '@sliceway/tracing';
import type { TraceCase } from './trace-validator.js';

export function isSlice(span: TraceSpan): boolean {
  return placeOf(span) === SpanPlace.slice;
}

/** Of the attempt that it belongs to. */
export function roomOf(tree: SpanTree, span: TraceSpan): TraceSpan | undefined {
  return above(tree, span, SpanPlace.room);
}

/** Of the service that it belongs to. */
export function requestOf(tree: SpanTree, span: TraceSpan): TraceSpan | undefined {
  return above(tree, span, SpanPlace.request);
}

export function isOfOneProcess({ resource: a }: TraceSpan, { resource: b }: TraceSpan): boolean {
  return ['service.name', 'service.instance.id'].every((key) => a[key] === b[key]);
}

export function hostOf(tree: SpanTree, span: TraceSpan): unknown {
  return above(tree, span, SpanPlace.thread)?.attributes[AttributeName.hostId];
}

function above(tree: SpanTree, span: TraceSpan, place: SpanPlace): TraceSpan | undefined {
  let found: TraceSpan | undefined = span;
  while (found !== undefined && placeOf(found) !== place) found = tree.parentOf(found);
  return found;
}

/** Of the process that was killed. */
export function isLost({ options }: TraceCase, { resource }: TraceSpan): boolean {
  return options.lost !== undefined && resource['service.instance.id'] === options.lost.instance;
}

/** With it the rooms that the workers' spans hang on. */
export function isGatewayLost({ options }: TraceCase): boolean {
  return options.lost?.role === TraceRole.gateway;
}
