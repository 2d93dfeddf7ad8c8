import type { ContextCarrier } from './context-carrier.js';
import type { MessageSpan, MessageSpanOptions } from './message-span.js';
import type { LinkKind } from './names.js';
import type { SpanRef } from './span-ids.js';
import type { TraceThread } from './thread.js';
import type { TraceLevel } from './trace-level.js';

export type AttributeValue = string | number | boolean | readonly string[] | readonly number[];
export type TraceAttributes = Readonly<Record<string, AttributeValue>>;

/** `ts` everywhere: nanoseconds as `now()` gives them, which is also what a missing one means. */
export interface SliceStartOptions {
  /** Recorded from this level on; `SLICE_LEVEL[name]` if not given, `normal` for names of your own. */
  readonly level?: TraceLevel;
  readonly ts?: number;
  /** The name is not known yet: `sliceEnd` gives it. */
  readonly anonymous?: boolean;
  /** 16 hex characters; random if not given. */
  readonly spanId?: string;
}

export interface SliceEndOptions {
  readonly ts?: number;
  readonly attributes?: TraceAttributes;
  /** An anonymous slice begins where this one ends. */
  readonly autoNext?: boolean;
  /** The request leaves this thread: its thread span ends here, too. */
  readonly threadFinish?: boolean;
}

export interface PastSliceOptions {
  readonly level?: TraceLevel;
  readonly attributes?: TraceAttributes;
  /** The batch step that it was part of. */
  readonly batch?: SpanRef | null;
}

export interface EventOptions {
  readonly ts?: number;
  readonly level?: TraceLevel;
}

export interface VisitOptions {
  /** The default one of this JavaScript thread if not given. */
  readonly thread?: TraceThread;
  readonly choice?: number;
  readonly ts?: number;
  /** Another visit of this request whose last slice leads here; that of this trace if not given. */
  readonly after?: RequestTrace;
}

export interface RetryOptions {
  /** 16 hex characters: a new attempt has a room of its own. */
  readonly bootstrapRoom: string;
  /** Why the attempt before it was lost. */
  readonly reason: string;
  readonly ts?: number;
}

export interface FinishOptions {
  readonly ts?: number;
  readonly attributes?: TraceAttributes;
}

/**
 * One request on one thread. Methods never throw and never block; calls after `finish` or `abort` do nothing.
 * `NULL_TRACE` stands for a request that is not traced, so callers never ask whether it is.
 */
export interface RequestTrace {
  /** Frozen at the request's start. */
  readonly level: TraceLevel;

  /** Begins a slice, nested if one is open. */
  sliceStart(name: string, options?: SliceStartOptions): void;
  /** Ends the innermost open slice. */
  sliceEnd(name: string, options?: SliceEndOptions): void;
  /** A slice that is already over. */
  slice(name: string, startTs: number, endTs: number, options?: PastSliceOptions): void;
  /** A point in time on the slice that it falls into, else on the thread. */
  event(name: string, attributes?: TraceAttributes, options?: EventOptions): void;

  setSliceAttributes(attributes: TraceAttributes): void;
  setRequestAttributes(attributes: TraceAttributes): void;
  setThreadAttributes(attributes: TraceAttributes): void;

  /** Ends the request here; what is still open is closed with it. */
  finish(options?: FinishOptions): void;
  /** Ends the request as an error, with the reason. */
  abort(reason: string, options?: { readonly ts?: number }): void;

  /** A further thread span under the same request span: another line of execution, or one choice of several. */
  visit(options?: VisitOptions): RequestTrace;
  /** The lost attempt's spans end as errors; those of the next begin, and its first slice links to the lost room. */
  retry(options: RetryOptions): void;
  /** A link of the innermost open slice to another span, of this trace if it has no trace id. */
  link(kind: LinkKind, to: { readonly traceId?: string; readonly spanId: string }): void;
  /** The innermost open slice, else the last one; null where nothing is recorded. */
  current(): SpanRef | null;

  /** Begins a message span, whatever the level: `startSend` and `startProcess` know when. Null where nothing is recorded. */
  message(options: MessageSpanOptions): MessageSpan | null;

  /** Writes the context into what carries the request on: NATS headers, HTTP headers, a worker thread's message. */
  inject(carrier: ContextCarrier): void;
}
