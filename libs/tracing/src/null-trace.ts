import type { ContextCarrier } from './context-carrier.js';
import type { MessageSpan } from './message-span.js';
import type { SpanRef } from './span-ids.js';
import type { RequestTrace } from './request-trace.js';
import { TraceLevel } from './trace-level.js';

/** Records nothing, allocates nothing, keeps nothing. */
export class NullTrace implements RequestTrace {
  readonly level: TraceLevel = TraceLevel.off;

  sliceStart(): void {}
  sliceEnd(): void {}
  slice(): void {}
  event(): void {}
  setSliceAttributes(): void {}
  setRequestAttributes(): void {}
  setThreadAttributes(): void {}
  finish(): void {}
  abort(): void {}
  visit(): RequestTrace {
    return NULL_TRACE;
  }
  retry(): void {}
  link(): void {}
  current(): SpanRef | null {
    return null;
  }
  message(): MessageSpan | null {
    return null;
  }
  inject(_carrier: ContextCarrier): void {}
}

/** A request that is not traced. */
export const NULL_TRACE: RequestTrace = Object.freeze(new NullTrace());
