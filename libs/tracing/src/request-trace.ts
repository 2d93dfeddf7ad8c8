import type { ContextCarrier } from './context-carrier.js';
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
}

export interface EventOptions {
  readonly ts?: number;
  readonly level?: TraceLevel;
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

  /** Writes the context into what carries the request on: NATS headers, HTTP headers, a worker thread's message. */
  inject(carrier: ContextCarrier): void;
}
