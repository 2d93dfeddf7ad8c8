import {
  AttributeName,
  LinkKind,
  placeOf,
  roleOfRequest,
  SliceName,
  SpanKind,
  SpanPlace,
  SpanStatus,
  TraceRole,
  type SpanLink,
  type SpanTree,
  type TraceSpan,
} from '@sliceway/tracing';
import { MAX_EVENTS_AND_LINKS, type Report, TraceRule } from './trace-fault.js';
import { hostOf, isGatewayLost, isLost, isOfOneProcess, isSlice, requestOf, roomOf } from './trace-validator-place.js';
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

/** Slices that are steps of a batch, or hold them. */
const STEPS: ReadonlySet<string> = new Set([
  SliceName.prefillForward,
  SliceName.chunkedPrefill,
  SliceName.decodeForward,
  SliceName.decodeLoop,
]);
/** Each process of a host estimates the epoch of its clock, to 0.1 ms; the first estimate of one that is interrupted may be worse. */
const MAX_CLOCK_ERROR_NS = 1_000_000n;

/** Links lead to what their kind says, and those that must be there are. */
export function checkLinks(trace: TraceCase, report: Report): void {
  const { spans, batchSteps, traceId } = trace;
  for (const span of [...spans, ...batchSteps]) for (const link of span.links) checkLink(trace, span, link, report);
  const slices = spans.filter((span) => span.traceId === traceId && isSlice(span));
  const first = slices.find(({ name }) => name === SliceName.receive) ?? (isGatewayLost(trace) ? undefined : slices[0]);
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
  const gateway = room && tree.childrenOf(room).find((span) => roleOfRequest(span) === TraceRole.gateway);
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
  const { lost } = trace.options;
  // A batch step's other members are requests that are not looked at here.
  if (placeOf(span) === SpanPlace.batchStep && link.traceId !== trace.traceId) return true;
  if (lost === undefined) return false;
  if (isLost(trace, span)) return true;
  switch (kindOf(link)) {
    case LinkKind.previous:
      // Nobody else hands a request over to another process.
      return isGatewayLost(trace) && beforeOnThread(trace, span) === undefined;
    case LinkKind.kv:
      return lost.role === TraceRole.prefill || lost.role === TraceRole.decode;
    case LinkKind.message:
      return true;
    default:
      return false;
  }
}

function isRight(trace: TraceCase, kind: LinkKind, span: TraceSpan, target: TraceSpan): boolean {
  const place = placeOf(target);
  if (placeOf(span) === SpanPlace.batchStep) return kind === LinkKind.batch && isStep(trace, target);
  if (kind === LinkKind.batch) return place === SpanPlace.batchStep && isStep(trace, span) && hasMember(target, span);
  if (target.traceId !== span.traceId) return false;
  const { tree } = trace;
  switch (kind) {
    case LinkKind.retryOf:
      return place === SpanPlace.room && target.startNs < (roomOf(tree, span)?.startNs ?? 0n);
    case LinkKind.message:
      return target.kind === SpanKind.producer && span.kind === SpanKind.consumer;
    case LinkKind.kv:
      return target.name === KV_PEER[span.name] && isOfOneAttempt(tree, target, span);
    default:
      return isSlice(target) && isPrevious(trace, span, target);
  }
}

/** Whose request spans hang on one room. Nobody knows it where those are lost. */
function isOfOneAttempt(tree: SpanTree, a: TraceSpan, b: TraceSpan): boolean {
  const rooms = [a, b].map((span) => requestOf(tree, span)?.parentSpanId);
  return rooms.includes(undefined) || rooms[0] === rooms[1];
}

/** The neighbour on the thread; of the first one there a slice of the thread that handed the request over. */
function isPrevious(trace: TraceCase, span: TraceSpan, target: TraceSpan): boolean {
  const { tree } = trace;
  if (span.name === SliceName.receive) return false;
  const before = beforeOnThread(trace, span);
  if (before !== undefined) return target === before;
  const isOther = target.parentSpanId !== span.parentSpanId && target.parentSpanId !== span.spanId;
  // Only a gateway goes on with another attempt.
  const request = requestOf(tree, span);
  const isGateways = request !== undefined && roleOfRequest(request) === TraceRole.gateway;
  const isKept = isGateways || isOfOneAttempt(tree, target, span);
  return isOther && isKept && isBefore(tree, target, span);
}

/** Undefined of the first one there. The span of the thread may be lost. */
function beforeOnThread({ tree }: TraceCase, span: TraceSpan): TraceSpan | undefined {
  const slices = tree.childrenOf({ traceId: span.traceId, spanId: span.parentSpanId ?? '' }).filter(isSlice);
  return slices[slices.indexOf(span) - 1];
}

/** Of two hosts nobody knows it. */
function isBefore(tree: SpanTree, a: TraceSpan, b: TraceSpan): boolean {
  const errorNs = isOfOneProcess(a, b) ? 0n : MAX_CLOCK_ERROR_NS;
  return hostOf(tree, a) !== hostOf(tree, b) || a.startNs <= b.startNs + errorNs;
}

function isStep({ options }: TraceCase, { name }: TraceSpan): boolean {
  return STEPS.has(name) || options.ownNames?.includes(name) === true;
}

/** It links to a slice of the request, which may be the one around this; one with many members names not all of them. */
function hasMember({ links, attributes }: TraceSpan, member: TraceSpan): boolean {
  const isOmitted = attributes[AttributeName.membersOmitted] !== undefined && links.length === MAX_EVENTS_AND_LINKS;
  return isOmitted || links.some(({ traceId }) => traceId === member.traceId);
}
