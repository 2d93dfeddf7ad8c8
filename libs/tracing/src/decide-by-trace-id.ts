import type { ReceivedContext } from './trace-context.js';

const TRACE_AT = 3;
const TRACE_END = 35;
const FLAGS_AT = 53;
const SAMPLED = '01';
const NOT_SAMPLED = '00';

/**
 * Decides of a trace by its id, whatever its parent's flag says; what is handed on says what was decided. The rule is that of
 * OpenTelemetry's TraceIdRatioBasedSampler, so that the HTTP span and the request below it fare alike.
 *
 * @param ratio share of the traces that are recorded
 */
export function decideByTraceId(received: ReceivedContext, ratio: number): void {
  const { traceparent } = received;
  let folded = 0;
  for (let at = TRACE_AT; at < TRACE_END; at += 8) folded ^= parseInt(traceparent.slice(at, at + 8), 16);
  const isSampled = folded >>> 0 < (ratio === 1 ? 2 ** 32 : Math.floor(ratio * 0xffffffff));
  if (isSampled === received.isSampled) return;
  received.isSampled = isSampled;
  received.traceparent = traceparent.slice(0, FLAGS_AT) + (isSampled ? SAMPLED : NOT_SAMPLED);
}
