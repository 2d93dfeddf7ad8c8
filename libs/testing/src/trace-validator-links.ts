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
  type TraceSpan,
} from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
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

/** Links lead to what their kind says, and those that must be there are. */
export function checkLinks(trace: TraceCase, report: Report): void {
  const { spans, batchSteps, traceId } = trace;
  for (const span of [...spans, ...batchSteps]) for (const link of span.links) checkLink(trace, span, link, report);
  const slices = spans.filter((span) => span.traceId === traceId && placeOf(span) === SpanPlace.slice);
  const first = slices.find((span) => isOfFirstLevel(trace, span) && span.name === SliceName.receive) ?? slices[0];
  for (const span of slices) {
    checkNeeded(trace, span, report);
    if (!isOfFirstLevel(trace, span)) continue;
    const previous = span.links.filter((link) => kindOf(link) === LinkKind.previous);
    if (span !== first && previous.length !== 1) report(TraceRule.link, span, `it has ${previous.length} prev links`);
    if (span === first && previous.length > 0) report(TraceRule.link, span, 'nothing was before it');
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
  const thread = tree.parentOf(transfer);
  const request = thread && tree.parentOf(thread);
  const room = request && tree.parentOf(request);
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

function checkLink({ tree, traceId, options }: TraceCase, span: TraceSpan, link: SpanLink, report: Report): void {
  const kind = kindOf(link);
  if (!KINDS.has(kind)) return report(TraceRule.link, span, `it has a link of kind ${String(kind)}`);
  const isStep = placeOf(span) === SpanPlace.batchStep;
  const target = tree.find(link.traceId, link.spanId);
  if (target === undefined) {
    // A batch step's other members are requests that are not looked at here.
    const isElsewhere = isStep && link.traceId !== traceId;
    if (!isElsewhere && options.lost !== true) report(TraceRule.link, span, `its ${String(kind)} link leads nowhere`);
    return;
  }
  if (!isRight(kind as LinkKind, span, target, isStep)) {
    report(TraceRule.link, span, `its ${String(kind)} link leads to ${target.name}`);
  }
}

function isRight(kind: LinkKind, span: TraceSpan, target: TraceSpan, isStep: boolean): boolean {
  const place = placeOf(target);
  if (isStep) return kind === LinkKind.batch && place === SpanPlace.slice;
  if (kind === LinkKind.batch) return place === SpanPlace.batchStep;
  if (kind === LinkKind.retryOf) return place === SpanPlace.room;
  if (kind === LinkKind.message) return target.kind === SpanKind.producer && span.kind === SpanKind.consumer;
  if (kind === LinkKind.kv) return target.name === KV_PEER[span.name];
  return place === SpanPlace.slice && target !== span;
}
