import { placeOf, SpanPlace, SpanStatus, type SpanTree, type TraceSpan } from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
import type { TraceCase } from './trace-validator.js';

/** Errors have a reason; a request that failed did so on its thread and, the gateway's, on its room. */
export function checkStatus({ tree, spans }: TraceCase, report: Report): void {
  for (const span of spans) {
    const { code, message } = span.status;
    const place = placeOf(span);
    if (place === SpanPlace.other) continue;
    if (code === SpanStatus.error && message === '') report(TraceRule.status, span, 'it failed without a reason');
    if (code !== SpanStatus.error && message !== '')
      report(TraceRule.status, span, `it did not fail, but of ${message}`);
    if (place === SpanPlace.request && code === SpanStatus.error) checkFailed(tree, span, report);
    if (place === SpanPlace.room && code === SpanStatus.error) {
      const isSaid = tree.childrenOf(span).some(({ status }) => status.message === message);
      if (!isSaid) report(TraceRule.status, span, 'no request span below it failed');
    }
  }
}

function checkFailed(tree: SpanTree, request: TraceSpan, report: Report): void {
  const { message } = request.status;
  const isFailed = ({ status }: TraceSpan): boolean => status.code === SpanStatus.error;
  const threads = tree.childrenOf(request).filter((span) => placeOf(span) === SpanPlace.thread);
  // Between two visits there is no thread that could fail.
  const isOnThread = threads.some(({ endNs }) => endNs === request.endNs);
  if (isOnThread && !threads.some(isFailed)) report(TraceRule.status, request, `no thread of it failed, of ${message}`);
  const room = tree.parentOf(request);
  const isGateway = request.name.startsWith('gateway ');
  if (isGateway && room && !isFailed(room)) report(TraceRule.status, request, 'its room did not fail');
}
