import { SharedControl } from '../recording/shared-control.js';
import { threadWriter } from '../recording/thread-writer.js';
import { TraceLevel, TraceModule } from '../trace-level.js';
import type { TraceSpan } from '../trace-span.js';
import { readSpan } from './read-span.js';
import { RingReader } from './ring-reader.js';

export const control = SharedControl.ofProcess();
let reader: RingReader | undefined;

/** Records from now on, as `initTracing` has it recorded. */
export function recordAll(level: TraceLevel = TraceLevel.all): void {
  control.level = level;
  control.ratio = 1;
  control.modules = Object.values(TraceModule);
  control.enabled = true;
}

/** What this thread has recorded since the last call. */
export function recorded(): TraceSpan[] {
  reader ??= new RingReader(threadWriter().buffer);
  const ring = reader;
  const spans: TraceSpan[] = [];
  ring.drain((raw) => {
    spans.push(readSpan(ring, raw, control, {}));
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
