import type { ReceivedContext } from './trace-context.js';

/**
 * Decides of a trace by its id, whatever its parent's flag says; what is handed on says what was decided. The rule is that of
 * OpenTelemetry's TraceIdRatioBasedSampler, so that the HTTP span and the request below it fare alike.
 *
 * @param ratio share of the traces that are recorded
 */
export function decideByTraceId(received: ReceivedContext, ratio: number): void {
  const { traceId } = received;
  let folded = 0;
  for (let at = 0; at < traceId.length; at += 8) folded ^= parseInt(traceId.slice(at, at + 8), 16);
  received.decide(folded >>> 0 < (ratio === 1 ? 2 ** 32 : Math.floor(ratio * 0xffffffff)));
}
