import { AttributeName, SpanName } from './names.js';
import { MAX_LINKS } from './recording/record-format.js';
import { liveRecordings, RecordedTrace } from './recording/recorded-trace.js';
import { SharedControl } from './recording/shared-control.js';
import type { SpanWriter } from './recording/span-writer.js';
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
  readonly members: readonly RequestTrace[] | BatchMembers;
}

/** The members of steps one after the other, for as long as none of them begins or ends a slice: they are looked at once. */
export class BatchMembers {
  /** Those of its members that are traced; -1 before the first step. */
  traced = -1;
  /** What the thread's writer knows them by; -1 before the first step. */
  id = -1;

  constructor(readonly traces: readonly RequestTrace[]) {}
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
export function batchStep({ thread, startTs, endTs, attributes, members }: BatchStepOptions): SpanRef | null {
  if (liveRecordings() === 0) return null;
  const batch = members instanceof BatchMembers ? members : new BatchMembers(members);
  const writer = beginStep(startTs, endTs, batch);
  writer?.attributes({ ...thread.attributes, ...attributes });
  return writer && endStep(writer);
}

/** Trace id and span id of the step that began. */
const stepIds = [0, 0, 0, 0, 0, 0];

/** Begins what `batchStep` records, for a caller that writes attributes one by one. @returns null where it is not recorded */
export function beginStep(startTs: number, endTs: number, batch: BatchMembers): SpanWriter | null {
  if (batch.traced < 0) batch.traced = countTraced(batch.traces);
  if (batch.traced === 0) return null;
  const writer = threadWriter();
  if (!writer.hasMembers(batch.id) && !writeMembers(writer, batch)) return null;
  for (let i = 0; i < stepIds.length; i++) stepIds[i] = randomBits();
  const name = writer.nameId(SpanName.batchStep);
  const end = Math.max(startTs, endTs);
  if (!writer.begin(name, startTs, end, stepIds, control.epoch, -1, SpanKind.internal)) return null;
  writer.ids(stepIds[4]!, stepIds[5]!);
  if (name < 0) writer.name(SpanName.batchStep);
  if (batch.traced > MAX_LINKS) writer.attribute(AttributeName.membersOmitted, batch.traced - MAX_LINKS);
  writer.linkMembers();
  return writer;
}

export function endStep(writer: SpanWriter): SpanRef {
  writer.commit();
  return new SpanRef(stepIds);
}

/** @returns false where there was no room for it */
function writeMembers(writer: SpanWriter, batch: BatchMembers): boolean {
  if (!writer.beginMembers()) return false;
  let left = Math.min(batch.traced, MAX_LINKS);
  for (let i = 0; left > 0; i++) {
    const member = batch.traces[i]!;
    if (!isTraced(member)) continue;
    member.putCurrent(MEMBER_IDS);
    writer.member(MEMBER_IDS);
    left--;
  }
  batch.id = writer.commitMembers();
  return true;
}

function countTraced(traces: readonly RequestTrace[]): number {
  let count = 0;
  for (let i = 0; i < traces.length; i++) if (isTraced(traces[i]!)) count++;
  return count;
}

function isTraced(trace: RequestTrace): trace is RecordedTrace {
  return trace instanceof RecordedTrace && trace.level >= TraceLevel.normal;
}
