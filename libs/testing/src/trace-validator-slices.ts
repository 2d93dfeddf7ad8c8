import {
  AttributeName,
  placeOf,
  roleOfRequest,
  roleOfSlice,
  SLICE_LEVEL,
  SLICE_PARENT,
  SliceName,
  SpanPlace,
  TraceLevel,
  type TraceSpan,
} from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
import { isLost, isSlice } from './trace-validator-place.js';
import type { TraceCase } from './trace-validator.js';

/** Slices of threads that are called so; the others are on a thread of another name. */
const THREADS: Readonly<Record<string, readonly string[]>> = {
  engine: [SliceName.prefillForward, SliceName.decodeForward, SliceName.quickFinish],
  kv_sender: [SliceName.prefillTransferKvCache],
};
/** Slices after which level 1 leaves one out. */
const BEFORE_LEFT_OUT: ReadonlySet<string> = new Set([SliceName.route, SliceName.tokenize]);

/** Names in their service, thread and level; the first level of each thread tiles it. */
export function checkSlices(trace: TraceCase, report: Report): void {
  const { spans } = trace;
  for (const span of spans) {
    const place = placeOf(span);
    if (place === SpanPlace.slice) checkName(trace, span, report);
    if (place === SpanPlace.thread) checkTiling(trace, span, report);
  }
  for (const span of spans) if (isSlice(span)) checkOverlap(slicesIn(trace, span), report);
}

/** Messages among them take no part in the tiling. */
function slicesIn({ tree }: TraceCase, parent: TraceSpan): TraceSpan[] {
  return tree.childrenOf(parent).filter(isSlice);
}

function checkName({ tree, level, options }: TraceCase, span: TraceSpan, report: Report): void {
  const { name } = span;
  if (options.ownNames?.includes(name)) return;
  const role = roleOfSlice(name);
  if (role === undefined) return report(TraceRule.name, span, 'nobody knows this slice');
  if (SLICE_LEVEL[name as SliceName] > level) report(TraceRule.name, span, `it is not of level ${level}`);
  const parent = tree.parentOf(span);
  if (parent === undefined) return;
  const outer = SLICE_PARENT[name as SliceName];
  if (isSlice(parent)) {
    const isKnown = outer === parent.name || options.ownNames?.includes(parent.name);
    if (!isKnown) report(TraceRule.name, span, `it does not belong in ${parent.name}`);
    return;
  }
  if (outer !== undefined) return report(TraceRule.name, span, `it belongs in ${outer}`);
  checkThread(span, parent, tree.parentOf(parent), role, report);
}

function checkThread(
  span: TraceSpan,
  thread: TraceSpan,
  request: TraceSpan | undefined,
  role: string,
  report: Report,
): void {
  const service = request && roleOfRequest(request);
  // A LocalEngine is all services in one.
  if (service !== undefined && service !== role && service !== 'engine')
    return report(TraceRule.name, span, `it is no slice of ${service}`);
  const label = String(thread.attributes[AttributeName.threadLabel]);
  const own = Object.keys(THREADS).find((each) => THREADS[each]!.includes(span.name));
  const isRight = own === undefined ? !Object.hasOwn(THREADS, label) : own === label;
  if (!isRight) report(TraceRule.name, span, `it does not belong on the thread ${label}`);
}

function checkTiling(trace: TraceCase, thread: TraceSpan, report: Report): void {
  const { level } = trace;
  const slices = slicesIn(trace, thread);
  checkOverlap(slices, report);
  let last: TraceSpan | null = null;
  let untilNs = thread.startNs;
  const gap = (beforeNs: bigint, next: string): void => {
    const lengthNs = beforeNs - untilNs;
    const isLeftOut = level === TraceLevel.important && last !== null && BEFORE_LEFT_OUT.has(last.name);
    // What lies outside of the thread's span is told as such.
    if (lengthNs <= 0n || isLeftOut) return;
    report(TraceRule.tiling, thread, `${lengthNs} ns between ${last?.name ?? 'its start'} and ${next} are silent`);
  };
  for (const slice of slices) {
    gap(slice.startNs, slice.name);
    if (slice.endNs > untilNs) untilNs = slice.endNs;
    last = slice;
  }
  // A process that was killed has not told all.
  if (slices.length > 0 || !isLost(trace, thread)) gap(thread.endNs, 'its end');
}

function checkOverlap(siblings: readonly TraceSpan[], report: Report): void {
  for (let i = 1; i < siblings.length; i++) {
    const [before, after] = [siblings[i - 1]!, siblings[i]!];
    if (before.endNs <= after.startNs) continue;
    report(TraceRule.tiling, after, `it overlaps ${before.name} by ${before.endNs - after.startNs} ns`);
  }
}
