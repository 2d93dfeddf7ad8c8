import { type Explainer, explainersOf, max, min } from './explainers.js';
import { nameGap } from './hop.js';
import type { PlacedSlice } from './request-view.js';
import { appendSegment, type Segment } from './segment.js';

/** Appends what the gateway waited for between two times of one of its slices: slices of other services, hops, the rest. */
export function explainWait(
  path: Segment[],
  wait: PlacedSlice,
  startNs: bigint,
  endNs: bigint,
  slices: readonly PlacedSlice[],
): void {
  const explainers = explainersOf(wait, slices);
  const times = new Set([startNs, endNs]);
  for (const each of explainers) {
    times.add(min(max(each.startNs, startNs), endNs));
    times.add(min(max(each.endNs, startNs), endNs));
  }
  const borders = [...times].sort((a, b) => (a < b ? -1 : 1));
  for (let i = 1; i < borders.length; i++) {
    const from = borders[i - 1]!;
    const to = borders[i]!;
    const slice = at(explainers, from, to);
    if (slice !== undefined) appendSegment(path, segmentOf(slice, from, to));
    else {
      const gap = { startNs: from, endNs: to, wait: { ...wait, endNs }, explainers, slices };
      appendSegment(path, { name: nameGap(gap), service: null, thread: null, startNs: from, endNs: to });
    }
  }
}

export function segmentOf({ name, role, thread, span }: PlacedSlice, startNs: bigint, endNs: bigint): Segment {
  return { name, service: role, thread, startNs, endNs, ...(span === null ? {} : { spanId: span.spanId }) };
}

/** The one that explains this stretch; of equals the one that began last. */
function at(explainers: readonly Explainer[], startNs: bigint, endNs: bigint): PlacedSlice | undefined {
  let best: Explainer | undefined;
  for (const each of explainers) {
    if (each.startNs > startNs || each.endNs < endNs) continue;
    if (!best || each.rank < best.rank || (each.rank === best.rank && each.startNs > best.startNs)) best = each;
  }
  return best?.slice;
}
