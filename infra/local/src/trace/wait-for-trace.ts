import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOtlpJson, tracesOf, type TraceSpan } from '@sliceway/tracing';
import { ROLES } from '../cluster/cluster-process.js';

/** Services send what they have within half a second; the rest is for a slow disk. */
const TIMEOUT_MS = 10_000;
const POLL_MS = 200;
/** Threads of a process are read in turn: one's slices may come a turn after the span that holds them. */
const QUIET_MS = 600;

export interface FoundTrace {
  /** 32 hex digits; null where nothing came of the request. */
  readonly traceId: string | null;
  /** How many spans of it there are. */
  readonly spanCount: number;
  /** What is not there yet; null for a complete trace. */
  readonly missing: string | null;
}

/** Polls the files of a folder until all of a request is there and no more comes, or time is up. */
export async function waitForTrace(
  folder: string,
  rid: string,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<FoundTrace> {
  const deadlineMs = performance.now() + timeoutMs;
  let count = 0;
  let changedMs = performance.now();
  for (;;) {
    const found = lookFor(await readFolder(folder), rid);
    const nowMs = performance.now();
    if (found.spanCount !== count) changedMs = nowMs;
    count = found.spanCount;
    const isComplete = found.missing === null && nowMs - changedMs > QUIET_MS;
    if (isComplete || signal.aborted || nowMs > deadlineMs) return found;
    await sleep(POLL_MS);
  }
}

/** How much of a request's trace is among these spans. */
function lookFor(spans: readonly TraceSpan[], rid: string): FoundTrace {
  const traces = tracesOf(spans, rid);
  const request = traces.find(({ attributes }) => attributes['rid'] === rid);
  if (request === undefined) return { traceId: null, spanCount: 0, missing: 'all of it' };
  const { traceId } = request;
  const own = traces.filter((span) => span.traceId === traceId);
  const ids = new Set(own.map(({ spanId }) => spanId));
  const roles = ROLES.filter((role) => !own.some(({ name }) => name.startsWith(`${role} Req `)));
  const orphans = own.filter(({ parentSpanId }) => parentSpanId !== null && !ids.has(parentSpanId));
  const missing =
    roles.length > 0 ? `spans of ${roles.join(', ')}` : orphans.length > 0 ? `the parent of ${orphans[0]!.name}` : null;
  return { traceId, spanCount: own.length, missing };
}

async function readFolder(folder: string): Promise<TraceSpan[]> {
  const names = await readdir(folder).catch(() => []);
  // A file that is renamed at this moment is read the next time.
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')));
  return texts.flatMap(readOtlpJson);
}
