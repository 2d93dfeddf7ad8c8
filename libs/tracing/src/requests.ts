import { now } from './clock.js';
import { ContextHeader, type ContextCarrier } from './context-carrier.js';
import { NULL_TRACE } from './null-trace.js';
import { PassThroughTrace } from './pass-through-trace.js';
import { RecordedTrace } from './recording/recorded-trace.js';
import { RequestSpan, type RequestParent } from './recording/request-span.js';
import { SharedControl } from './recording/shared-control.js';
import { threadWriter } from './recording/thread-writer.js';
import type { RequestTrace } from './request-trace.js';
import { bitsToHex, hexToBits, randomBits } from './span-ids.js';
import { defaultThread, type TraceThread } from './thread.js';
import { readRequestContext, readTraceContext, type RequestContext, type TraceContext } from './trace-context.js';
import { TraceLevel, TraceModule } from './trace-level.js';

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

/** A request that is never finished must not hold memory for ever: past this the oldest is closed. */
const MAX_LIVE_REQUESTS = 65_536;
const NO_SPAN = '0'.repeat(16);
const SAMPLED = 1;
/** Where no slice came before. */
const NO_PREVIOUS = [0, 0] as const;
const live = new Map<string, RequestTrace>();
const control = SharedControl.ofProcess();

/** Requests that are traced on this JavaScript thread now. */
export function liveRequests(): number {
  return live.size;
}

/** Begins the trace of a request where it enters the cluster. */
export function startRequest(options: StartRequestOptions): RequestTrace {
  const outer = contextOf(options.parent);
  const level = options.level ?? control.level;
  if (!isRecorded(level, options.module)) return passOn(outer, options.rid);
  if (outer === undefined && !isChosen()) return NULL_TRACE;
  if (outer !== undefined && !isSampled(outer)) return passOn(outer, options.rid);
  return record(options, outer, level, null);
}

/**
 * Takes a request up where a message, or another thread, handed it over. `headers` is what its `inject` wrote to; what is
 * missing or malformed there is ignored.
 */
export function resumeRequest(headers: ContextCarrier | undefined, options: ResumeRequestOptions): RequestTrace {
  const outer = contextOf(headers);
  if (headers === undefined || outer === undefined) return NULL_TRACE;
  const request = readRequestContext(headers);
  if (request === null) control.countMalformed();
  const level = request?.level ?? control.level;
  if (!isRecorded(level, options.module) || !isSampled(outer)) return passOn(outer, options.rid);
  return record(options, outer, level, request ?? null);
}

/** The live trace of a request in this JavaScript thread, the last one opened; `NULL_TRACE` if there is none. */
export function requestTrace(rid: string): RequestTrace {
  return live.get(rid) ?? NULL_TRACE;
}

/** The context in a carrier; what is malformed is counted. */
function contextOf(carrier: ContextCarrier | undefined): TraceContext | undefined {
  if (carrier === undefined) return undefined;
  const context = readTraceContext(carrier);
  if (context === undefined && carrier.get(ContextHeader.traceparent)) control.countMalformed();
  return context;
}

function isRecorded(level: TraceLevel, module: TraceModule = TraceModule.request): boolean {
  return level > TraceLevel.off && control.enabled && control.hasModule(module);
}

function isSampled({ traceparent }: TraceContext): boolean {
  return (parseInt(traceparent.charAt(54), 16) & SAMPLED) !== 0;
}

/** Whether a trace that begins here is recorded. */
function isChosen(): boolean {
  return (randomBits() >>> 0) / 2 ** 32 < control.ratio;
}

/**
 * No spread, no rest, and one closure: every service resumes every request.
 *
 * @param handedOver by another of our threads; without it the room span begins here, also under a foreign context
 */
function record(
  options: ResumeRequestOptions,
  outer: TraceContext | undefined,
  level: TraceLevel,
  handedOver: RequestContext | null,
): RequestTrace {
  const { rid } = options;
  const startTs = options.ts ?? now();
  const request = new RequestSpan({
    rid,
    role: options.role,
    module: options.module ?? TraceModule.request,
    level,
    room: options.bootstrapRoom ?? handedOver?.room ?? NO_SPAN,
    ownsRoom: handedOver === null,
    requestSpan: handedOver !== null && handedOver.role === options.role ? handedOver.requestSpan : null,
    epoch: control.epoch,
    startTs,
    writer: threadWriter(),
    parent: outer === undefined ? newParent() : parentOf(outer),
  });
  const trace = new RecordedTrace({
    request,
    thread: options.thread ?? defaultThread(),
    startTs,
    choice: options.choice,
    previous:
      handedOver === null ? NO_PREVIOUS : [hexToBits(handedOver.previous, 0), hexToBits(handedOver.previous, 8)],
    onEnd: (ended) => forget(rid, ended),
  });
  return enlist(rid, trace);
}

function parentOf({ traceparent, tracestate }: TraceContext): RequestParent {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    flags: traceparent.slice(53, 55),
    traceState: tracestate,
  };
}

function newParent(): RequestParent {
  return { traceId: newTraceId(), spanId: NO_SPAN, flags: '01', traceState: undefined };
}

function newTraceId(): string {
  return bitsToHex(randomBits()) + bitsToHex(randomBits()) + bitsToHex(randomBits()) + bitsToHex(randomBits());
}

/** Records nothing, but hands the context on. */
function passOn(context: TraceContext | undefined, rid: string): RequestTrace {
  if (context === undefined) return NULL_TRACE;
  return enlist(rid, new PassThroughTrace(context, (ended) => forget(rid, ended)));
}

function enlist(rid: string, trace: RequestTrace): RequestTrace {
  // One that has it already is no longer the oldest.
  live.delete(rid);
  live.set(rid, trace);
  if (live.size > MAX_LIVE_REQUESTS) {
    const [oldest, forgotten] = live.entries().next().value!;
    live.delete(oldest);
    forgotten.abort('forgotten: too many live requests');
  }
  return trace;
}

function forget(rid: string, ended: RequestTrace): void {
  if (live.get(rid) === ended) live.delete(rid);
}
