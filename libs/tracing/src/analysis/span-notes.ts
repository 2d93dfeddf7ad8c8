import { AttributeName, LinkKind, SliceName } from '../names.js';
import { SpanStatus, type SpanLink, type TraceSpan } from '../trace-span.js';
import { plain } from './terminal-text.js';
import { placeOf, SpanPlace, type SpanTree } from './span-tree.js';

/** What is to be said of a span beside its name and its time. */
export interface SpanNotes {
  readonly isError: boolean;
  /** Why it is an error, unless that is said of its parent. */
  readonly reason: string | null;
  readonly notes: readonly string[];
}

/** Links, errors and events of a span in a few words, or of several alike in one. */
export function notesOf(tree: SpanTree, spans: readonly TraceSpan[]): SpanNotes {
  const failed = spans.find(({ status }) => status.code === SpanStatus.error);
  const links = spans.flatMap((span) => span.links.map((link) => ({ span, link })));
  const batches: string[] = [];
  const notes = new Set<string>();
  for (const { span, link } of links) {
    const target = tree.find(link.traceId, link.spanId);
    const kind = kindOf(span, link, target);
    if (kind === LinkKind.batch) batches.push(String(target?.attributes[AttributeName.bid] ?? '?'));
    else if (kind === LinkKind.kv) notes.add(`⇄ kv ${nameOf(target, link)}`);
    else if (kind === LinkKind.retryOf) notes.add(`↻ retry_of ${nameOf(target, link)}`);
    else if (kind === LinkKind.message) notes.add(`✉ ${placed(tree, target, link)}`);
    // What stands right above it needs no arrow.
    else if (kind !== LinkKind.previous) notes.add(`→ ${nameOf(target, link)}`);
    else if (target === undefined || target.parentSpanId !== span.parentSpanId)
      notes.add(`← ${placed(tree, target, link)}`);
  }
  if (batches.length > 0) notes.add(batchNote(batches));
  const events = eventNote(spans);
  if (events !== null) notes.add(events);
  const parent = failed && tree.parentOf(failed);
  const isSaid = parent?.status.code === SpanStatus.error && parent.status.message === failed?.status.message;
  const reason = failed && !isSaid ? plain(failed.status.message || 'error') : null;
  return { isError: failed !== undefined, reason, notes: [...notes].map(plain) };
}

const KV_ENDS: ReadonlySet<string> = new Set([SliceName.prefillTransferKvCache, SliceName.decodeTransferred]);

/** What a link is; Jaeger keeps no attributes of links, but the two ends tell it. */
export function kindOf(span: TraceSpan, link: SpanLink, target: TraceSpan | undefined): string {
  const kind = link.attributes[AttributeName.linkKind];
  if (typeof kind === 'string') return kind;
  if (link.traceId !== span.traceId) return LinkKind.batch;
  if (target && placeOf(target) === SpanPlace.room) return LinkKind.retryOf;
  if (target && placeOf(target) === SpanPlace.message) return LinkKind.message;
  return target && KV_ENDS.has(span.name) && KV_ENDS.has(target.name) ? LinkKind.kv : LinkKind.previous;
}

function nameOf(target: TraceSpan | undefined, { spanId }: SpanLink): string {
  return target?.name ?? `${spanId} (not here)`;
}

/** With its service, since it is somewhere else in the tree. */
function placed(tree: SpanTree, target: TraceSpan | undefined, link: SpanLink): string {
  let thread = target;
  while (thread && placeOf(thread) !== SpanPlace.thread) thread = tree.parentOf(thread);
  const label = thread?.attributes[AttributeName.threadLabel];
  return label === undefined ? nameOf(target, link) : `${label}/${nameOf(target, link)}`;
}

function batchNote(bids: readonly string[]): string {
  const first = bids[0]!;
  const last = bids.at(-1)!;
  return bids.length === 1 ? `batch bid=${first}` : `batch bid=${first}…${last}`;
}

function eventNote(spans: readonly TraceSpan[]): string | null {
  const counts = new Map<string, number>();
  for (const { events } of spans) for (const { name } of events) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (counts.size === 0) return null;
  const kinds = [...counts].slice(0, 3).map(([name, count]) => (count === 1 ? name : `${count}×${name}`));
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return counts.size > 3 ? `• ${all} events: ${kinds.join(', ')}, …` : `• ${kinds.join(', ')}`;
}
