import {
  AttributeName,
  LinkKind,
  placeOf,
  roleOfRequest,
  SpanPlace,
  SpanStatus,
  TraceRole,
  type TraceSpan,
} from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
import { isGatewayLost, isLost, isOfOneProcess } from './trace-validator-place.js';
import type { TraceCase } from './trace-validator.js';

/** Which spans may be right above one of each kind. */
const ABOVE: Readonly<Record<string, readonly SpanPlace[]>> = {
  [SpanPlace.room]: [SpanPlace.other],
  [SpanPlace.request]: [SpanPlace.room],
  [SpanPlace.thread]: [SpanPlace.request],
  [SpanPlace.slice]: [SpanPlace.thread, SpanPlace.slice],
  [SpanPlace.message]: [SpanPlace.request, SpanPlace.thread, SpanPlace.slice],
};

/** One trace, one tree, every parent there, each kind of span where it belongs. */
export function checkTree(trace: TraceCase, report: Report): void {
  const { tree, spans, traceId, options } = trace;
  const strangers = spans.filter((span) => span.traceId !== traceId);
  for (const span of strangers) report(TraceRule.oneTree, span, 'it is of another trace');
  const roots: TraceSpan[] = [];
  for (const span of spans) {
    if (span.traceId !== traceId) continue;
    const parent = tree.parentOf(span);
    const place = placeOf(span);
    if (parent !== undefined) {
      const above = ABOVE[place];
      const isRight = above === undefined || above.includes(placeOf(parent));
      if (!isRight) report(TraceRule.place, span, `a ${place} span does not belong under ${parent.name}`);
      else checkNesting(span, parent, report);
    } else if (span.parentSpanId === null || span.parentSpanId === options.parent) {
      const isTop = place === SpanPlace.other || place === SpanPlace.room;
      if (isTop) roots.push(span);
      else report(TraceRule.place, span, `a ${place} span is no root`);
    } else if (!mayHangOnNothing(trace, span)) {
      report(TraceRule.parent, span, `its parent ${span.parentSpanId} is missing`);
    }
  }
  checkRoots(trace, roots, report);
  checkRequests(trace, report);
}

function mayHangOnNothing(trace: TraceCase, span: TraceSpan): boolean {
  return isLost(trace, span) || (isGatewayLost(trace) && placeOf(span) === SpanPlace.request);
}

function checkRoots(trace: TraceCase, roots: readonly TraceSpan[], report: Report): void {
  const { parent } = trace.options;
  if (roots.length === 0 && trace.traceId !== '' && !isGatewayLost(trace))
    report(TraceRule.oneTree, null, 'there is no root');
  for (const root of roots) {
    const isRight = root.parentSpanId === (parent ?? null);
    if (!isRight) report(TraceRule.parent, root, `it does not hang on ${parent}, which came in with the request`);
  }
  // Each attempt has a room, and without an HTTP span above them they are several.
  const tops = roots.filter((root) => placeOf(root) === SpanPlace.other);
  if (tops.length > 1 || (tops.length === 1 && roots.length > 1)) {
    report(TraceRule.oneTree, null, `it has ${roots.length} roots: ${roots.map(({ name }) => name).join(', ')}`);
  }
}

/** One request, and each attempt but the first says which one it follows. */
function checkRequests(trace: TraceCase, report: Report): void {
  const { spans, options } = trace;
  const requests = spans.filter((span) => placeOf(span) === SpanPlace.request);
  const rids = new Set(requests.map(({ attributes }) => attributes[AttributeName.rid]));
  if (rids.size > 1) report(TraceRule.oneTree, null, `it holds ${rids.size} requests`);
  // Where a request begins: the gateway, or a LocalEngine.
  const gateways = requests.filter((span) => ['gateway', 'engine'].includes(roleOfRequest(span)!));
  if (gateways.length === 0 && spans.length > 0 && !isGatewayLost(trace)) {
    report(TraceRule.oneTree, null, 'it has no request span of a gateway');
  }
  if (options.lost === undefined) for (const gateway of gateways) checkRoles(trace, gateway, report);
  const retries = spans.flatMap(({ links }) =>
    links.filter(({ attributes }) => attributes[AttributeName.linkKind] === LinkKind.retryOf),
  );
  const missing = gateways.length - 1 - retries.length;
  if (missing > 0) report(TraceRule.link, null, `${missing} attempts have no retry_of link`);
}

/** A request that came to its end went through all services. */
function checkRoles({ tree, options }: TraceCase, gateway: TraceSpan, report: Report): void {
  const room = tree.parentOf(gateway);
  if (room === undefined || roleOfRequest(gateway) !== TraceRole.gateway || gateway.status.code === SpanStatus.error)
    return;
  const there = tree.childrenOf(room).map(roleOfRequest);
  for (const role of options.roles ?? Object.values(TraceRole)) {
    if (!there.includes(role)) report(TraceRule.oneTree, room, `it has no request span of ${role}`);
  }
}

/** Within one service: the clocks of two differ, and prefill's last acknowledgement may come after the request's end. */
function checkNesting(span: TraceSpan, parent: TraceSpan, report: Report): void {
  if (placeOf(parent) === SpanPlace.other || !isOfOneProcess(span, parent)) return;
  // What handles a message may end the thread that it is on, and a message leaves a little later than it is given away.
  const mayOutlast = placeOf(span) === SpanPlace.message && span.startNs <= parent.endNs;
  const isIn = span.startNs >= parent.startNs && (mayOutlast || span.endNs <= parent.endNs);
  if (isIn || span.endNs < span.startNs || parent.endNs < parent.startNs) return;
  report(TraceRule.nesting, span, `it is not within ${parent.name}`);
}
