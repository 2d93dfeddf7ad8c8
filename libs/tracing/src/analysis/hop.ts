import { SliceName } from '../names.js';
import type { Explainer } from './explainers.js';
import type { PlacedSlice } from './request-view.js';
import { hopName, UNATTRIBUTED } from './segment.js';
import { TraceRole } from './slice-place.js';

/** A message within a host that takes longer than this was not on its way: somebody did not take it. */
const MAX_LOCAL_HOP_NS = 5_000_000n;

/** Who sends something that another one waits for. */
const LINES: ReadonlySet<string> = new Set([
  'gateway>tokenizer',
  'tokenizer>gateway',
  'gateway>prefill',
  'gateway>decode',
  'decode>prefill',
  'prefill>decode',
  'prefill>tokenizer',
  'decode>tokenizer',
]);
/** The gateway's messages begin one of these. */
const BY_GATEWAY: ReadonlySet<string> = new Set([
  SliceName.tokenize,
  SliceName.prefillPrepare,
  SliceName.decodePrepare,
]);

/** A stretch of a wait in which nobody did anything for it. */
export interface Gap {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly wait: PlacedSlice;
  readonly explainers: readonly Explainer[];
  readonly slices: readonly PlacedSlice[];
}

/** The hop that fills a gap, or `unattributed`. */
export function nameGap(gap: Gap): string {
  const { startNs, endNs, wait, explainers } = gap;
  const to = endNs === wait.endNs ? wait : (nextAfter(explainers, endNs) ?? wait);
  const from = BY_GATEWAY.has(to.name) ? wait : sender(gap, lastBefore(explainers, startNs) ?? wait, to);
  const isLine = LINES.has(`${from.role}>${to.role}`) && (from !== wait || BY_GATEWAY.has(to.name));
  const isLong = endNs - startNs > MAX_LOCAL_HOP_NS;
  const isOneHost = from.hostId === null || to.hostId === null || from.hostId === to.hostId;
  return isLine && !(isLong && isOneHost) ? hopName(from.role, to.role) : UNATTRIBUTED;
}

/** A service that goes on after it waited for another one was called by that. */
function sender({ startNs, slices }: Gap, before: PlacedSlice, to: PlacedSlice): PlacedSlice {
  if (before.role !== to.role) return before;
  const isIn = (...names: string[]) =>
    slices.some((slice) => names.includes(slice.name) && slice.startNs <= startNs && slice.endNs > startNs);
  const { prefill, decode, tokenizer } = TraceRole;
  let other: string | null = null;
  if (to.role === prefill && isIn(SliceName.prefillBootstrap)) other = decode;
  else if (to.role === decode && isIn(SliceName.decodeBootstrap, SliceName.decodeTransferred)) other = prefill;
  else if (to.role === tokenizer && isIn(SliceName.detokenize)) other = decode;
  return slices.find(({ role }) => role === other) ?? before;
}

function lastBefore(explainers: readonly Explainer[], timeNs: bigint): PlacedSlice | undefined {
  let last: Explainer | undefined;
  for (const each of explainers) if (each.endNs <= timeNs && (!last || each.endNs > last.endNs)) last = each;
  return last?.slice;
}

function nextAfter(explainers: readonly Explainer[], timeNs: bigint): PlacedSlice | undefined {
  let next: Explainer | undefined;
  for (const each of explainers) if (each.startNs >= timeNs && (!next || each.startNs < next.startNs)) next = each;
  return next?.slice;
}
