import { AttributeName } from '../names.js';
import type { TraceSpan } from '../trace-span.js';
import { roleOfSlice, SLICE_PARENT, TraceRole } from './slice-place.js';
import { byTime, placeOf, roleOfRequest, SpanPlace, SpanTree } from './span-tree.js';

/** A slice of the first level, with what is known of where it ran. */
export interface PlacedSlice {
  readonly name: string;
  readonly role: string;
  /** Label of its thread; null where the thread's span is lost. */
  readonly thread: string | null;
  readonly hostId: string | null;
  readonly choice: number | null;
  /** Span id of the attempt's room span; null where the spans between are lost. */
  readonly attempt: string | null;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Null where it follows from its neighbours only: a slice of level 2 of a request that was traced at level 1. */
  readonly span: TraceSpan | null;
  /** Of the thread's span. */
  readonly threadEndNs: bigint | null;
}

/** One request in its trace: the slices of the first level of all services, in the order of time. */
export interface RequestView {
  readonly rid: string;
  readonly tree: SpanTree;
  readonly slices: readonly PlacedSlice[];
}

/**
 * Finds a request in spans of one or more traces.
 *
 * @param rid or its beginning; the first request of the spans if not given
 * @returns null if no gateway has a span of it
 */
export function viewRequest(spans: readonly TraceSpan[], rid?: string): RequestView | null {
  const tree = new SpanTree(spans);
  const requests = tree.spans.filter((span) => placeOf(span) === SpanPlace.request);
  const first = requests.find((span) => roleOfRequest(span) === TraceRole.gateway && ridOf(span).startsWith(rid ?? ''));
  if (first === undefined) return null;
  const found = ridOf(first);
  const slices: PlacedSlice[] = [];
  for (const span of tree.spans) {
    if (span.traceId !== first.traceId || placeOf(span) !== SpanPlace.slice) continue;
    const thread = tree.parentOf(span);
    // Nested ones have another slice above them.
    if (thread !== undefined && placeOf(thread) !== SpanPlace.thread) continue;
    const request = thread && tree.parentOf(thread);
    if (request && placeOf(request) === SpanPlace.request && ridOf(request) !== found) continue;
    if (thread === undefined && Object.hasOwn(SLICE_PARENT, span.name)) continue;
    slices.push(place(span, thread, request));
  }
  return { rid: found, tree, slices: slices.sort(byTime) };
}

function ridOf({ attributes }: TraceSpan): string {
  return String(attributes[AttributeName.rid]);
}

function place(span: TraceSpan, thread: TraceSpan | undefined, request: TraceSpan | undefined): PlacedSlice {
  const { name, startNs, endNs, resource } = span;
  const service = String(resource['service.name'] ?? '').replace(/^sliceway-/, '');
  const role = (request && roleOfRequest(request)) ?? roleOfSlice(name) ?? (service || 'unknown');
  const of = (key: string) => thread?.attributes[key];
  const choice = of(AttributeName.choice);
  return {
    name,
    role,
    thread: (of(AttributeName.threadLabel) as string | undefined) ?? null,
    hostId: (of(AttributeName.hostId) as string | undefined) ?? null,
    choice: typeof choice === 'number' ? choice : null,
    attempt: request?.parentSpanId ?? null,
    startNs,
    endNs: endNs < startNs ? startNs : endNs,
    span,
    threadEndNs: thread?.endNs ?? null,
  };
}
