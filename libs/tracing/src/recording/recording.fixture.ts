import { liveRequests } from '../live-requests.js';
import { AttributeName } from '../names.js';
import { startRequest } from '../requests.js';
import type { RequestTrace } from '../request-trace.js';
import { SharedControl } from '../recording/shared-control.js';
import { threadWriter } from '../recording/thread-writer.js';
import { TraceLevel, TraceModule } from '../trace-level.js';
import type { TraceSpan } from '../trace-span.js';
import { readSpan } from './read-span.js';
import { COUNT_MASK } from './record-format.js';
import { RingReader } from './ring-reader.js';

export const control = SharedControl.ofProcess();
export const RID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
export const ROOM = '0123456789abcdef';
export const PARENT = new Map([['traceparent', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`]]);

let reader: RingReader | undefined;

/** Records from now on, as `initTracing` has it recorded. */
export function recordAll(level: TraceLevel = TraceLevel.all): void {
  control.level = level;
  control.ratio = 1;
  control.modules = Object.values(TraceModule);
  control.enabled = true;
}

/** Each test of the file, or of the `describe`, records from nothing, and leaves no request live. */
export function recordInEach(): void {
  beforeEach(() => {
    recordAll();
    recorded();
  });
  afterEach(() => {
    expect(liveRequests()).toBe(0);
    control.enabled = false;
  });
}

/** What this thread has recorded since the last call. @throws Error where an attribute is there twice */
export function recorded(): TraceSpan[] {
  reader ??= new RingReader(threadWriter().buffer);
  const ring = reader;
  const spans: TraceSpan[] = [];
  ring.drain((raw) => {
    const span = readSpan(ring, raw, control, {});
    if (Object.keys(span.attributes).length !== (raw.attributes & COUNT_MASK))
      throw new Error(`${span.name} has an attribute twice`);
    spans.push(span);
    return true;
  });
  return spans;
}

/** The span of a name. @throws Error unless there is exactly one */
export function named(spans: readonly TraceSpan[], name: string | RegExp): TraceSpan {
  const found = spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)));
  if (found.length !== 1) throw new Error(`${found.length} spans are called ${name}`);
  return found[0]!;
}

/** The trace of a request under `PARENT`. */
export const begin = (over: object = {}): RequestTrace =>
  startRequest({ rid: RID, bootstrapRoom: ROOM, role: 'gateway', parent: PARENT, ts: 1000, ...over });

export const names = (spans: readonly TraceSpan[]): string[] => spans.map(({ name }) => name);

/** Kind and span id of each. */
export const links = ({ links }: TraceSpan): unknown[] =>
  links.map(({ spanId, attributes }) => [attributes[AttributeName.linkKind], spanId]);
