import {
  AttributeName,
  LinkKind,
  placeOf,
  roleOfRequest,
  SliceName,
  SpanKind,
  SpanPlace,
  SpanStatus,
  type SpanLink,
  type SpanTree,
  type TraceSpan,
} from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
import { hostOf, isLost, isSlice, roomOf } from './trace-validator-place.js';
import type { TraceCase } from './trace-validator.js';

const KINDS: ReadonlySet<unknown> = new Set(Object.values(LinkKind));
const KV_PEER: Readonly<Record<string, string>> = {
  [SliceName.prefillTransferKvCache]: SliceName.decodeTransferred,
  [SliceName.decodeTransferred]: SliceName.prefillTransferKvCache,
};
/** Kinds of which slices that came to their end have a link. */
const NEEDED: Readonly<Record<string, LinkKind>> = {
  [SliceName.prefillTransferKvCache]: LinkKind.kv,
  [SliceName.decodeTransferred]: LinkKind.kv,
  [SliceName.chunkedPrefill]: LinkKind.batch,
  [SliceName.decodeLoop]: LinkKind.batch,
};

/** Processes of one host estimate the epoch of its clock each by itself. */
const MAX_CLOCK_ERROR_NS = 5_000_000n;

/** Links lead to what their kind says, and those that must be there are. */
export function checkLinks(trace: TraceCase, report: Report): void {
  const { spans, batchSteps, traceId } = trace;
  for (const span of [...spans, ...batchSteps]) for (const link of span.links) checkLink(trace, span, link, report);
  const slices = spans.filter((span) => span.traceId === traceId && isSlice(span));
  const first = slices.find((span) => isOfFirstLevel(trace, span) && span.name === SliceName.receive) ?? slices[0];
  for (const span of slices) {
    checkNeeded(trace, span, report);
    if (!isOfFirstLevel(trace, span)) continue;
    const previous = span.links.filter((link) => kindOf(link) === LinkKind.previous);
    if (span !== first && previous.length !== 1) report(TraceRule.link, span, `it has ${previous.length} prev links`);
  }
}

function checkNeeded(trace: TraceCase, span: TraceSpan, report: Report): void {
  const needed = Object.hasOwn(NEEDED, span.name) ? NEEDED[span.name] : undefined;
  if (needed === undefined || span.status.code === SpanStatus.error || mayBeCut(trace, span)) return;
  if (!span.links.some((link) => kindOf(link) === needed)) report(TraceRule.link, span, `it has no ${needed} link`);
}

/**
 * A stop string in prefill's own tokens ends its transfer, too, as well as any end, and perhaps before decode has acknowledged a
 * part of it: until then prefill cannot know that the slice exists to which it would link.
 */
function mayBeCut({ tree }: TraceCase, transfer: TraceSpan): boolean {
  if (transfer.name !== SliceName.prefillTransferKvCache) return false;
  const room = roomOf(tree, transfer);
  const gateway = room && tree.childrenOf(room).find((span) => roleOfRequest(span) === 'gateway');
  const { [AttributeName.finishReasons]: reasons, [AttributeName.outputTokens]: tokens } = gateway?.attributes ?? {};
  // With any more tokens one of them was decode's.
  return Array.isArray(reasons) && reasons.includes('stop') && Number(tokens) <= reasons.length;
}

function kindOf({ attributes }: SpanLink): unknown {
  return attributes[AttributeName.linkKind];
}

/** One that hangs on nothing may be either. */
function isOfFirstLevel({ tree }: TraceCase, span: TraceSpan): boolean {
  const parent = tree.parentOf(span);
  return parent !== undefined && placeOf(parent) === SpanPlace.thread;
}

function checkLink(trace: TraceCase, span: TraceSpan, link: SpanLink, report: Report): void {
  const kind = kindOf(link);
  if (!KINDS.has(kind)) return report(TraceRule.link, span, `it has a link of kind ${String(kind)}`);
  const target = trace.tree.find(link.traceId, link.spanId);
  if (target === undefined) {
    if (!mayLeadNowhere(trace, span, link)) report(TraceRule.link, span, `its ${String(kind)} link leads nowhere`);
  } else if (!isRight(trace, kind as LinkKind, span, target)) {
    report(TraceRule.link, span, `its ${String(kind)} link leads to ${target.name}`);
  }
}

function mayLeadNowhere(trace: TraceCase, span: TraceSpan, link: SpanLink): boolean {
  const { traceId, options } = trace;
  // A batch step's other members are requests that are not looked at here.
  if (placeOf(span) === SpanPlace.batchStep && link.traceId !== traceId) return true;
  if (options.lost === undefined) return false;
  if (isLost(trace, span)) return true;
  const kind = kindOf(link);
  if (kind === LinkKind.previous) return beforeOnThread(trace, span) === undefined;
  return kind === LinkKind.kv || kind === LinkKind.message;
}

function isRight(trace: TraceCase, kind: LinkKind, span: TraceSpan, target: TraceSpan): boolean {
  const place = placeOf(target);
  if (placeOf(span) === SpanPlace.batchStep) return kind === LinkKind.batch && place === SpanPlace.slice;
  if (kind === LinkKind.batch) return place === SpanPlace.batchStep && hasMember(target, span);
  if (target.traceId !== span.traceId) return false;
  const { tree } = trace;
  switch (kind) {
    case LinkKind.retryOf:
      return place === SpanPlace.room && target !== roomOf(tree, span);
    case LinkKind.message:
      return target.kind === SpanKind.producer && span.kind === SpanKind.consumer;
    case LinkKind.kv:
      return target.name === KV_PEER[span.name] && isOfOneAttempt(tree, target, span);
    default:
      return place === SpanPlace.slice && isPrevious(trace, span, target);
  }
}

/** Nobody knows it where the spans above are lost. */
function isOfOneAttempt(tree: SpanTree, a: TraceSpan, b: TraceSpan): boolean {
  const rooms = [a, b].map((span) => roomOf(tree, span));
  return rooms.includes(undefined) || rooms[0] === rooms[1];
}

/** The neighbour on the thread; of the first one there a slice of the thread that handed the request over. */
function isPrevious(trace: TraceCase, span: TraceSpan, target: TraceSpan): boolean {
  const { tree } = trace;
  const before = beforeOnThread(trace, span);
  if (before !== undefined) return target === before;
  return target.parentSpanId !== span.parentSpanId && isBefore(tree, target, span);
}

/** Undefined of the first one there. The span of the thread may be lost. */
function beforeOnThread({ tree }: TraceCase, span: TraceSpan): TraceSpan | undefined {
  const slices = tree.childrenOf({ ...span, spanId: span.parentSpanId ?? '' }).filter(isSlice);
  return slices[slices.indexOf(span) - 1];
}

/** Of two hosts nobody knows it. */
function isBefore(tree: SpanTree, a: TraceSpan, b: TraceSpan): boolean {
  return hostOf(tree, a) !== hostOf(tree, b) || a.startNs <= b.startNs + MAX_CLOCK_ERROR_NS;
}

/** It links to a slice of the request, which may be the one around this; one with many members names not all of them. */
function hasMember({ links, attributes }: TraceSpan, member: TraceSpan): boolean {
  const isOmitted = attributes[AttributeName.membersOmitted] !== undefined;
  return isOmitted || links.some(({ traceId }) => traceId === member.traceId);
}
