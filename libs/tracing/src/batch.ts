import { AttributeName, LinkKind, SpanName } from './names.js';
import { MAX_LINKS } from './recording/record-format.js';
import { liveRecordings, RecordedTrace } from './recording/recorded-trace.js';
import { SharedControl } from './recording/shared-control.js';
import { threadWriter } from './recording/thread-writer.js';
import type { PastSliceOptions, RequestTrace, TraceAttributes } from './request-trace.js';
import { randomBits, SpanRef } from './span-ids.js';
import type { TraceThread } from './thread.js';
import { TraceLevel } from './trace-level.js';
import { SpanKind } from './trace-span.js';

export interface BatchStepOptions {
  readonly thread: TraceThread;
  readonly startTs: number;
  readonly endTs: number;
  /** `bid`, `batch_size`, `forward_mode` and tokens. */
  readonly attributes: TraceAttributes;
  readonly members: readonly RequestTrace[];
}

const control = SharedControl.ofProcess();
/** Trace id (4 words) and span id (2). */
const MEMBER_IDS = new Int32Array(6);

/** The same past slice on many requests: one check, and no loop when none of them is traced. */
export function sliceBatch(
  name: string,
  traces: readonly RequestTrace[],
  startTs: number,
  endTs: number,
  options?: PastSliceOptions,
): void {
  if (liveRecordings() === 0) return;
  for (let i = 0; i < traces.length; i++) traces[i]!.slice(name, startTs, endTs, options);
}

/** The same event on many requests: one check, and no loop when none of them is traced. */
export function eventBatch(name: string, traces: readonly RequestTrace[], attributes?: TraceAttributes): void {
  if (liveRecordings() === 0) return;
  for (let i = 0; i < traces.length; i++) traces[i]!.event(name, attributes);
}

/**
 * A batch step as one span, the root of a trace of its own, that links to what its members do; recorded only if one of them is
 * traced at level `normal` or more.
 *
 * @returns what the members' slices link to; null where it was not recorded
 */
export function batchStep(options: BatchStepOptions): SpanRef | null {
  return liveRecordings() === 0 ? null : recordStep(options);
}

function recordStep({ thread, startTs, endTs, attributes, members }: BatchStepOptions): SpanRef | null {
  let traced = 0;
  for (let i = 0; i < members.length; i++) if (isTraced(members[i]!)) traced++;
  if (traced === 0) return null;
  const writer = threadWriter();
  const ids = new Int32Array(MEMBER_IDS.length);
  for (let i = 0; i < ids.length; i++) ids[i] = randomBits();
  const name = writer.nameId(SpanName.batchStep);
  if (!writer.begin(name, startTs, Math.max(startTs, endTs), ids, control.epoch, -1, SpanKind.internal)) return null;
  writer.ids(ids[4]!, ids[5]!);
  if (name < 0) writer.name(SpanName.batchStep);
  writer.attributes({ ...thread.attributes, ...attributes });
  const omitted = Math.max(0, traced - MAX_LINKS);
  if (omitted > 0) writer.attribute(AttributeName.membersOmitted, omitted);
  let left = traced - omitted;
  for (let i = 0; left > 0; i++) {
    const member = members[i]!;
    if (!isTraced(member)) continue;
    left--;
    member.putCurrent(MEMBER_IDS);
    writer.link(MEMBER_IDS, MEMBER_IDS[4]!, MEMBER_IDS[5]!);
    writer.attribute(AttributeName.linkKind, LinkKind.batch);
  }
  writer.commit();
  return new SpanRef(ids);
}

function isTraced(trace: RequestTrace): trace is RecordedTrace {
  return trace instanceof RecordedTrace && trace.level >= TraceLevel.normal;
}
