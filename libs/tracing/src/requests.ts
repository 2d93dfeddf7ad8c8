import type { ContextCarrier } from './context-carrier.js';
import { readCounted } from './count-malformed.js';
import { isInShare } from './is-in-share.js';
import { enlist, liveRequest } from './live-requests.js';
import { NULL_TRACE } from './null-trace.js';
import { PassThroughTrace } from './pass-through-trace.js';
import { RecordedTrace } from './recording/recorded-trace.js';
import { NO_ROOM, RequestSpan, roomOf } from './recording/request-span.js';
import { SharedControl } from './recording/shared-control.js';
import { threadWriter } from './recording/thread-writer.js';
import { stampTs, TIMES } from './recording/times.js';
import type { RequestTrace } from './request-trace.js';
import { randomBits, spanIdHigh, spanIdLow } from './span-ids.js';
import { defaultThread, type TraceThread } from './thread.js';
import { ContextId, MAX_ROLE, OwnContext, ReceivedContext } from './trace-context.js';
import { TraceLevel, TraceModule } from './trace-level.js';

export interface ResumeRequestOptions {
  readonly rid: string;
  /** Name of the service in the trace: gateway, tokenizer, prefill or decode. At most 32 of `a-z`, `0-9`, `_` and `-`; all else becomes `_`. */
  readonly role: string;
  /** Up to 16 hex characters; what is none counts as not given. */
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

const SAMPLED = '01';
/** Our own header of a request that nobody is to record. */
const OFF = `0-${NO_ROOM}-off-${NO_ROOM}-${NO_ROOM}`;
const control = SharedControl.ofProcess();
const received = new ReceivedContext();
/** The last right one: a process has few, and asks a regular expression once. */
let lastRole = '';

/** Begins the trace of a request where it enters the cluster. */
export function startRequest(options: StartRequestOptions): RequestTrace {
  const { parent, rid } = options;
  const hasOuter = parent !== undefined && readCounted(received, parent);
  const level = options.level ?? control.level;
  // Other services may have another level, but the request keeps that of its start.
  if (!isRecorded(level, options.module)) return hasOuter ? passOn(rid, OFF) : NULL_TRACE;
  if (hasOuter && control.ignoresParent) received.decide(isInShare(received.ids, control.ratio));
  if (hasOuter) return received.isSampled ? record(options, null, level, false) : passOn(rid, undefined);
  const ids = newIds();
  return isInShare(ids, control.ratio) ? record(options, ids, level, false) : NULL_TRACE;
}

/**
 * Takes a request up where a message, or another thread, handed it over. `headers` is what its `inject` wrote to; what is
 * missing or malformed there is ignored.
 */
export function resumeRequest(headers: ContextCarrier | undefined, options: ResumeRequestOptions): RequestTrace {
  if (headers === undefined || !readCounted(received, headers)) return NULL_TRACE;
  const isWhole = received.own === OwnContext.whole;
  const level = isWhole ? received.level : control.level;
  if (!isRecorded(level, options.module) || !received.isSampled) return passOn(options.rid, received.ownHeader);
  return record(options, null, level, isWhole);
}

/** The live trace of a request in this JavaScript thread, the last one opened; `NULL_TRACE` if there is none. */
export function requestTrace(rid: string): RequestTrace {
  return liveRequest(rid) ?? NULL_TRACE;
}

function isRecorded(level: TraceLevel, module: TraceModule = TraceModule.request): boolean {
  return level > TraceLevel.off && control.enabled && control.hasModule(module);
}

/**
 * No spread, no rest, no closure: every service resumes every request.
 *
 * @param begun ids of a trace that begins here; null where it is the one of `received`
 * @param isHandedOver by another of our threads; without it the room span begins here, also under a foreign context
 */
function record(
  options: ResumeRequestOptions,
  begun: number[] | null,
  level: TraceLevel,
  isHandedOver: boolean,
): RequestTrace {
  const { rid, bootstrapRoom } = options;
  const role = roleOf(options.role);
  stampTs(0, options.ts);
  const startTs = TIMES[0]!;
  const isElsewhere = isHandedOver && received.isOf(role);
  const request = new RequestSpan({
    rid,
    role,
    module: options.module ?? TraceModule.request,
    level,
    room: bootstrapRoom === undefined ? (isHandedOver ? received.room : NO_ROOM) : roomOf(bootstrapRoom, isHandedOver),
    ids: begun ?? idsUnder(received.ids, isHandedOver, isElsewhere),
    traceState: begun === null ? received.tracestate : undefined,
    flags: begun === null ? received.flags : SAMPLED,
    isElsewhere,
    ownsRoom: !isHandedOver,
    epoch: control.epoch,
    startTs,
    writer: threadWriter(),
  });
  const trace = new RecordedTrace({
    request,
    thread: options.thread ?? defaultThread(),
    startTs,
    choice: options.choice,
    previous0: isHandedOver ? received.ids[ContextId.previous]! : 0,
    previous1: isHandedOver ? received.ids[ContextId.previous + 1]! : 0,
    isFirst: true,
  });
  return enlist(rid, trace);
}

/** As `RequestId` has them. */
function newIds(): number[] {
  const request1 = spanIdLow();
  const room1 = spanIdLow();
  const high = spanIdHigh();
  return [randomBits(), randomBits(), randomBits(), randomBits(), high, request1, high, room1, 0, 0];
}

function idsUnder(outer: Int32Array, isHandedOver: boolean, isElsewhere: boolean): number[] {
  const parent0 = outer[ContextId.parent]!;
  const parent1 = outer[ContextId.parent + 1]!;
  return [
    outer[0]!,
    outer[1]!,
    outer[2]!,
    outer[3]!,
    isElsewhere ? outer[ContextId.request]! : spanIdHigh(),
    isElsewhere ? outer[ContextId.request + 1]! : spanIdLow(),
    isHandedOver ? parent0 : spanIdHigh(),
    isHandedOver ? parent1 : spanIdLow(),
    parent0,
    parent1,
  ];
}

/** Records nothing, but hands the context on. */
function passOn(rid: string, own: string | undefined): RequestTrace {
  return enlist(rid, new PassThroughTrace(rid, received, own));
}

/** As headers take it: they end at what is not of a role. */
function roleOf(role: string): string {
  if (role === lastRole) return role;
  const right =
    role
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '_')
      .slice(0, MAX_ROLE) || 'service';
  if (right === role) lastRole = role;
  return right;
}
