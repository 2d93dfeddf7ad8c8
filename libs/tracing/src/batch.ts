import { AttributeName, LinkKind, SpanName } from './names.js';
import { MAX_LINKS } from './recording/record-format.js';
import { liveRecordings, RecordedTrace } from './recording/recorded-trace.js';
import { Id } from './recording/request-span.js';
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
const MEMBER_IDS = new Int32Array(Id.parent);

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
  let traced = 0;
  for (let i = 0; i < members.length; i++) if (isTraced(members[i]!)) traced++;
  if (traced === 0) return null;
  const writer = threadWriter();
  const ids = new Int32Array(Id.length);
  for (let i = 0; i < Id.parent; i++) ids[i] = randomBits();
  const name = writer.nameId(SpanName.batchStep);
  if (!writer.begin(name, startTs, Math.max(startTs, endTs), ids, control.epoch, -1, SpanKind.internal)) return null;
  if (writer.isUnnamed) writer.name(SpanName.batchStep);
  writer.attributes({ ...thread.attributes, ...attributes });
  const omitted = Math.max(0, traced - MAX_LINKS);
  if (omitted > 0) writer.attribute(AttributeName.membersOmitted, omitted);
  let left = traced - omitted;
  for (let i = 0; left > 0; i++) {
    const member = members[i]!;
    if (!isTraced(member)) continue;
    left--;
    member.putCurrent(MEMBER_IDS);
    writer.link(MEMBER_IDS);
    writer.attribute(AttributeName.linkKind, LinkKind.batch);
  }
  writer.commit();
  return new SpanRef(ids.subarray(0, Id.parent));
}

function isTraced(trace: RequestTrace): trace is RecordedTrace {
  return trace instanceof RecordedTrace && trace.level >= TraceLevel.normal;
}
