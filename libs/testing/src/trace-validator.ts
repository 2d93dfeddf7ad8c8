import {
  AttributeName,
  MESSAGE_LEVEL,
  placeOf,
  SLICE_LEVEL,
  type SliceName,
  SpanPlace,
  SpanTree,
  TraceLevel,
  type TraceSpan,
} from '@sliceway/tracing';
import { MAX_EVENTS_AND_LINKS, type Report, type TraceFault, TraceRule } from './trace-fault.js';
import { checkAttributes } from './trace-validator-attributes.js';
import { checkLinks } from './trace-validator-links.js';
import { checkSlices } from './trace-validator-slices.js';
import { checkMessages } from './trace-validator-messages.js';
import { checkStatus } from './trace-validator-status.js';
import { checkTree } from './trace-validator-tree.js';

export interface ValidateTraceOptions {
  /** Of the request to look at, where an HTTP request with several prompts made several in one trace. */
  readonly rid?: string;
  /** Span id of the parent that came in with the request; without it one span, or each attempt's room, is the root. */
  readonly parent?: string;
  /** A process that was killed: what it had not sent is missing. */
  readonly lost?: { readonly role: string; readonly instance: string };
  /** Level of the request; what the spans themselves tell if not given. */
  readonly level?: TraceLevel;
  /** Services that it went through besides the gateway, if it did not fail; all of them if not given. */
  readonly roles?: readonly string[];
  /** Names of slices beside those of the services. */
  readonly ownNames?: readonly string[];
}

/** What the checks look at. */
export interface TraceCase {
  /** All that was given. */
  readonly tree: SpanTree;
  /** Those of the request: all but batch steps and other requests. */
  readonly spans: readonly TraceSpan[];
  readonly batchSteps: readonly TraceSpan[];
  readonly traceId: string;
  readonly level: TraceLevel;
  readonly options: ValidateTraceOptions;
}

/**
 * Proves that one request's trace is what `docs/tracing.md` says.
 *
 * @param all spans of the trace, and of the batch steps that it links to
 * @returns its faults; none if it is valid
 */
export function validateTrace(all: readonly TraceSpan[], options: ValidateTraceOptions = {}): TraceFault[] {
  const faults: TraceFault[] = [];
  const report: Report = (rule, span, message) => {
    faults.push({ rule, spanId: span?.spanId ?? '', message: span === null ? message : `${span.name}: ${message}` });
  };
  const tree = new SpanTree(all);
  const isStep = (span: TraceSpan): boolean => placeOf(span) === SpanPlace.batchStep;
  const batchSteps = tree.spans.filter(isStep);
  const spans = tree.spans.filter((span) => !isStep(span) && !isOfAnother(tree, span, options.rid));
  if (tree.spans.length !== all.length) report(TraceRule.oneTree, null, 'two spans have one id');
  if (spans.length === 0) report(TraceRule.oneTree, null, 'there are no spans');
  const traceId = spans[0]?.traceId ?? '';
  const level = options.level ?? levelOf(spans);
  const trace: TraceCase = { tree, spans, batchSteps, traceId, level, options };
  for (const span of [...spans, ...batchSteps]) checkSpan(span, report);
  checkTree(trace, report);
  checkSlices(trace, report);
  checkAttributes(trace, report);
  checkLinks(trace, report);
  checkMessages(trace, report);
  checkStatus(trace, report);
  return faults;
}

/** Nobody knows it of one whose parent is missing. */
function isOfAnother(tree: SpanTree, span: TraceSpan, rid: string | undefined): boolean {
  if (rid === undefined) return false;
  for (let above: TraceSpan | undefined = span; above !== undefined; above = tree.parentOf(above)) {
    const found = above.attributes[AttributeName.rid];
    if (found !== undefined) return found !== rid;
  }
  return false;
}

function checkSpan(span: TraceSpan, report: Report): void {
  const { startNs, endNs, events, links } = span;
  if (endNs < startNs) report(TraceRule.time, span, `it ends ${startNs - endNs} ns before it begins`);
  if (startNs <= 0n) report(TraceRule.time, span, 'it has no start');
  for (const [what, { length }] of [
    ['events', events],
    ['links', links],
  ] as const) {
    if (length > MAX_EVENTS_AND_LINKS) report(TraceRule.limit, span, `it has ${length} ${what}`);
  }
  for (const { name, timeNs } of events) {
    const isIn = timeNs >= startNs && timeNs <= endNs;
    if (!isIn && endNs >= startNs) report(TraceRule.time, span, `event ${name} is outside of it`);
  }
}

/** The highest of its slices and messages, as nothing else says it. */
function levelOf(spans: readonly TraceSpan[]): TraceLevel {
  const levels = spans.map((span) => {
    if (placeOf(span) === SpanPlace.message) return MESSAGE_LEVEL;
    return Object.hasOwn(SLICE_LEVEL, span.name) ? SLICE_LEVEL[span.name as SliceName] : 0;
  });
  return Math.max(TraceLevel.important, ...levels) as TraceLevel;
}
