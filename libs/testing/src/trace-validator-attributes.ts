import {
  AttributeName,
  EventName,
  placeOf,
  roleOfRequest,
  SliceName,
  SpanPlace,
  SpanStatus,
  TraceLevel,
  type TraceSpan,
} from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
import type { TraceCase } from './trace-validator.js';

const { bid, batchSize, forwardMode } = AttributeName;
const SCHEDULE = [bid, batchSize, forwardMode];
const REQUEST = [AttributeName.rid, AttributeName.bootstrapRoom, AttributeName.module];
const THREAD = [AttributeName.threadLabel, AttributeName.hostId, AttributeName.pid];
const QUEUE = [AttributeName.queuePosition, AttributeName.tokensAhead];
const KV = [AttributeName.bytes, AttributeName.chunks, AttributeName.megabytesPerSecond];

/** What a slice that came to its end says of itself. */
const OF_SLICE: Readonly<Record<string, readonly string[]>> = {
  [SliceName.prefillWaiting]: QUEUE,
  [SliceName.decodeWaiting]: QUEUE,
  [SliceName.prefillTransferKvCache]: KV,
  [SliceName.decodeTransferred]: KV,
  [SliceName.prefillForward]: [AttributeName.tokens, AttributeName.cachedTokens],
  [SliceName.decodeForward]: [
    AttributeName.tokens,
    AttributeName.firstStep,
    AttributeName.lastStep,
    AttributeName.interTokenTimes,
  ],
};
/** Each choice has a thread span of its own for these. */
const OF_CHOICE: ReadonlySet<string> = new Set([SliceName.decodeForward, SliceName.quickFinish, SliceName.detokenize]);
const RESOURCE = ['service.name', 'service.instance.id', 'host.name'];

/** Every span has the attributes and events that its kind must have. */
export function checkAttributes({ tree, spans, batchSteps, level }: TraceCase, report: Report): void {
  for (const span of batchSteps) {
    checkResource(span, report);
    checkBatchStep(span, report);
  }
  for (const span of spans) {
    checkResource(span, report);
    const place = placeOf(span);
    if (place === SpanPlace.room) checkRoom(span, report);
    else if (place === SpanPlace.request) checkRequest(span, report);
    else if (place === SpanPlace.thread) checkThread(span, tree.childrenOf(span), report);
    else if (place === SpanPlace.slice) checkSlice(span, tree.childrenOf(span), level, report);
  }
}

function need(span: TraceSpan, keys: readonly string[], report: Report): void {
  const missing = keys.filter((key) => span.attributes[key] === undefined);
  if (missing.length > 0) report(TraceRule.attributes, span, `it has no ${missing.join(', ')}`);
}

function checkResource(span: TraceSpan, report: Report): void {
  const missing = RESOURCE.filter((key) => span.resource[key] === undefined);
  if (missing.length > 0) report(TraceRule.attributes, span, `its resource has no ${missing.join(', ')}`);
}

function checkRoom(span: TraceSpan, report: Report): void {
  need(span, REQUEST, report);
  const room = span.attributes[AttributeName.bootstrapRoom];
  if (room !== undefined && span.name !== `Bootstrap Room ${room}`)
    report(TraceRule.attributes, span, `its room is ${room}`);
}

function checkRequest(span: TraceSpan, report: Report): void {
  need(span, REQUEST, report);
  const { name, attributes, status } = span;
  const role = roleOfRequest(span);
  const rid = attributes[AttributeName.rid];
  if (!name.endsWith(` Req ${String(rid).slice(0, 8)}`)) report(TraceRule.attributes, span, `its rid is ${rid}`);
  if (role !== 'gateway' || status.code === SpanStatus.error) return;
  need(span, [AttributeName.operationName, AttributeName.requestModel], report);
}

function checkThread(span: TraceSpan, slices: readonly TraceSpan[], report: Report): void {
  need(span, THREAD, report);
  if (slices.some(({ name }) => OF_CHOICE.has(name))) need(span, [AttributeName.choice], report);
  const { name, attributes } = span;
  const ranks = { TP: AttributeName.tpRank, DP: AttributeName.dpRank, PP: AttributeName.ppRank };
  const rankNames = Object.entries(ranks).filter(([, key]) => attributes[key] !== undefined);
  const expected =
    String(attributes[AttributeName.threadLabel]) +
    rankNames.map(([kind, key]) => ` [${kind} ${attributes[key]}]`).join('') +
    ` (host:${attributes[AttributeName.hostId]} | pid:${attributes[AttributeName.pid]})`;
  const isWhole = THREAD.every((key) => attributes[key] !== undefined);
  if (isWhole && name !== expected) report(TraceRule.attributes, span, `by its attributes it is ${expected}`);
}

function checkSlice(span: TraceSpan, nested: readonly TraceSpan[], level: TraceLevel, report: Report): void {
  checkSchedules(span, report);
  if (span.status.code === SpanStatus.error) return;
  need(span, OF_SLICE[span.name] ?? [], report);
  const event = eventOf(span.name, level);
  // That of a prompt may fall into a nested forward.
  const places = span.name === SliceName.prefillForward ? [span, ...nested] : [span];
  const isThere = places.some(({ events }) => events.some(({ name }) => name === event));
  if (event !== null && !isThere) report(TraceRule.attributes, span, `it has no event ${event}`);
}

/** What a slice has at least once. */
function eventOf(slice: string, level: TraceLevel): EventName | null {
  if (slice === SliceName.route) return EventName.candidates;
  if (slice === SliceName.prefillForward || slice === SliceName.decodeLoop) return EventName.schedule;
  // At the level of all its steps have it.
  return slice === SliceName.decodeForward && level < TraceLevel.all ? EventName.schedule : null;
}

function checkSchedules(span: TraceSpan, report: Report): void {
  for (const { name, attributes } of span.events) {
    const missing = SCHEDULE.filter((key) => name === EventName.schedule && attributes[key] === undefined);
    if (missing.length > 0) report(TraceRule.attributes, span, `its event schedule has no ${missing.join(', ')}`);
  }
}

function checkBatchStep(span: TraceSpan, report: Report): void {
  need(span, [...SCHEDULE, AttributeName.tokens], report);
  if (span.parentSpanId !== null) report(TraceRule.place, span, 'a batch step is the root of its own trace');
}
