import { EventName, SLICE_LEVEL, SliceName } from '../names.js';
import { TraceLevel } from '../trace-level.js';
import type { TraceSpan } from '../trace-span.js';
import { explainWait, segmentOf } from './explain-wait.js';
import { eventTime, isExplained, max, min } from './explainers.js';
import { type PlacedSlice, viewRequest } from './request-view.js';
import { appendSegment, type Segment, UNATTRIBUTED } from './segment.js';
import { TraceRole } from './slice-place.js';
import { byTime } from './span-tree.js';

/** Where a request's time went: stretches without gaps, in the order of time, whose sums are exact. */
export interface CriticalPath {
  readonly rid: string;
  /** From the request's arrival to its first token; empty if it had none. A beginning of `e2e`. */
  readonly ttft: readonly Segment[];
  /** From the request's arrival to the end of the gateway's last slice. */
  readonly e2e: readonly Segment[];
  /** Null if there was no token. */
  readonly ttftNs: bigint | null;
  readonly e2eNs: bigint;
  readonly ttftUnattributedNs: bigint;
  readonly unattributedNs: bigint;
}

/**
 * The critical path of a request: the gateway's slices, each wait replaced by what it waited for.
 *
 * @param spans of all services; other traces may be among them
 * @param rid or its beginning; the first request of the spans if not given
 * @returns null if the spans hold no slice of the gateway's for it
 */
export function criticalPath(spans: readonly TraceSpan[], rid?: string): CriticalPath | null {
  const view = viewRequest(spans, rid);
  if (view === null) return null;
  const slices = withLeftOut(view.slices);
  const gateway = slices.filter(({ role }) => role === TraceRole.gateway);
  const first = gateway.find(({ name }) => name === SliceName.receive) ?? gateway[0];
  if (first === undefined) return null;
  const e2e: Segment[] = [];
  let cursorNs = first.startNs;
  for (const slice of gateway) {
    appendSegment(e2e, { ...NOWHERE, startNs: cursorNs, endNs: slice.startNs });
    const startNs = max(slice.startNs, cursorNs);
    if (slice.endNs < startNs) continue;
    // A path of its own: no segment goes on over the border, which may be the first token's.
    const path: Segment[] = [];
    explain(path, slice, startNs, slices);
    e2e.push(...path);
    cursorNs = slice.endNs;
  }
  const firstTokenNs = firstToken(gateway);
  const ttft = firstTokenNs === null ? [] : e2e.filter(({ endNs }) => endNs <= firstTokenNs);
  return {
    rid: view.rid,
    ttft,
    e2e,
    ttftNs: firstTokenNs === null ? null : firstTokenNs - first.startNs,
    e2eNs: cursorNs - first.startNs,
    ttftUnattributedNs: unattributed(ttft),
    unattributedNs: unattributed(e2e),
  };
}

const NOWHERE = { name: UNATTRIBUTED, service: null, thread: null };

function explain(path: Segment[], slice: PlacedSlice, startNs: bigint, slices: readonly PlacedSlice[]): void {
  const { name, endNs } = slice;
  if (!isExplained(name)) return appendSegment(path, segmentOf(slice, startNs, endNs));
  if (name !== SliceName.stream) return explainWait(path, slice, startNs, endNs, slices);
  // Once the last text is there, the gateway waits for nothing but the client's socket.
  const lastTextNs = lastText(slice, slices) ?? endNs;
  const waitedNs = min(max(lastTextNs, startNs), endNs);
  explainWait(path, slice, startNs, waitedNs, slices);
  appendSegment(path, segmentOf(slice, waitedNs, endNs));
}

/** Where it came with the first text, the event may be on the slice before. */
function lastText(stream: PlacedSlice, slices: readonly PlacedSlice[]): bigint | undefined {
  const own = eventTime(stream, EventName.lastText);
  if (own !== undefined) return own;
  const before = slices.find(({ role, endNs }) => role === TraceRole.gateway && endNs === stream.startNs);
  return before && eventTime(before, EventName.lastText);
}

/** The end of the wait that a stream follows: those of lost attempts ended without a token. */
function firstToken(gateway: readonly PlacedSlice[]): bigint | null {
  const stream = gateway.find(({ name }) => name === SliceName.stream);
  if (stream === undefined) return null;
  const waits = gateway.filter(({ name, endNs }) => name === SliceName.firstTokenWait && endNs <= stream.startNs);
  return waits.at(-1)?.endNs ?? null;
}

function unattributed(path: readonly Segment[]): bigint {
  return path.reduce((sum, { name, startNs, endNs }) => (name === UNATTRIBUTED ? sum + endNs - startNs : sum), 0n);
}

/**
 * At level 1 the slices of level 2 are not recorded. As slices leave no gaps, what they took is known all the same: it lies
 * between `route` and `first_token_wait`, and between `tokenize` and the end of its thread's span.
 */
function withLeftOut(slices: readonly PlacedSlice[]): readonly PlacedSlice[] {
  const level = (name: string) =>
    Object.hasOwn(SLICE_LEVEL, name) ? SLICE_LEVEL[name as SliceName] : TraceLevel.normal;
  if (slices.some(({ name }) => level(name) > TraceLevel.important)) return slices;
  const leftOut: PlacedSlice[] = [];
  for (const slice of slices) {
    if (slice.name === SliceName.route) {
      const next = slices.find(({ role, startNs }) => role === TraceRole.gateway && startNs >= slice.endNs);
      if (next?.name !== SliceName.firstTokenWait || next.attempt !== slice.attempt) continue;
      leftOut.push({ ...slice, name: SliceName.dispatch, span: null, startNs: slice.endNs, endNs: next.startNs });
    } else if (slice.name === SliceName.tokenize && slice.threadEndNs !== null) {
      const endNs = max(slice.endNs, slice.threadEndNs);
      leftOut.push({ ...slice, name: SliceName.apiServerDispatch, span: null, startNs: slice.endNs, endNs });
    }
  }
  return [...slices, ...leftOut].sort(byTime);
}
