import { bitsToHex } from './span-ids.js';

/**
 * Whether a trace is one of the share that is recorded, which its id decides. The rule is that of OpenTelemetry's
 * TraceIdRatioBasedSampler, so that the HTTP span and the request below it fare alike.
 *
 * @param ids begin with the four words of the trace's id
 */
export function isInShare(ids: ArrayLike<number>, ratio: number): boolean {
  if (ratio === 1) return true;
  const folded = parseInt(bitsToHex(ids[0]! ^ ids[1]! ^ ids[2]! ^ ids[3]!), 16);
  return folded < Math.floor(ratio * 0xffffffff);
}
