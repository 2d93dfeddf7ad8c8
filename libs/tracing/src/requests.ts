import type { ContextCarrier } from './context-carrier.js';
import { NULL_TRACE } from './null-trace.js';
import { PassThroughTrace } from './pass-through-trace.js';
import type { RequestTrace } from './request-trace.js';
import type { TraceThread } from './thread.js';
import { readTraceContext } from './trace-context.js';
import type { TraceLevel, TraceModule } from './trace-level.js';

export interface ResumeRequestOptions {
  readonly rid: string;
  /** Name of the service in the trace: gateway, tokenizer, prefill or decode. */
  readonly role: string;
  /** 16 hex characters. */
  readonly bootstrapRoom?: string;
  /** Each choice of a request has a thread span of its own. */
  readonly choice?: number;
  /** `request` if not given. */
  readonly module?: TraceModule;
  /** The first one registered on this JavaScript thread if not given. */
  readonly thread?: TraceThread;
  readonly ts?: number;
}

export interface StartRequestOptions extends ResumeRequestOptions {
  /** The level set for the process if not given. */
  readonly level?: TraceLevel;
  /** Where an outer trace's `traceparent` may be: the HTTP request's headers. */
  readonly parent?: ContextCarrier | undefined;
}

/** A request that is never finished must not hold memory for ever: past this the oldest is forgotten. */
const MAX_LIVE_REQUESTS = 65_536;
const live = new Map<string, RequestTrace>();

function open(carrier: ContextCarrier | undefined, rid: string): RequestTrace {
  const context = carrier === undefined ? undefined : readTraceContext(carrier);
  if (context === undefined) return NULL_TRACE;
  const trace = new PassThroughTrace(context, (ended) => {
    if (live.get(rid) === ended) live.delete(rid);
  });
  live.delete(rid);
  live.set(rid, trace);
  if (live.size > MAX_LIVE_REQUESTS) live.delete(live.keys().next().value!);
  return trace;
}

/** Begins the trace of a request where it enters the cluster. */
export function startRequest(options: StartRequestOptions): RequestTrace {
  return open(options.parent, options.rid);
}

/**
 * Takes a request up where a message, or another thread, handed it over. `headers` is what its `inject` wrote to; what is
 * missing or malformed there is ignored.
 */
export function resumeRequest(headers: ContextCarrier | undefined, options: ResumeRequestOptions): RequestTrace {
  return open(headers, options.rid);
}

/** The live trace of a request in this JavaScript thread, the last one opened; `NULL_TRACE` if there is none. */
export function requestTrace(rid: string): RequestTrace {
  return live.get(rid) ?? NULL_TRACE;
}
