import { now } from '../clock.js';
import type { ContextCarrier } from '../context-carrier.js';
import type { MessageSpan, MessageSpanOptions } from '../message-span.js';
import { forget } from '../live-requests.js';
import { AttributeName, LinkKind, SLICE_LEVEL, type SliceName } from '../names.js';
import { NULL_TRACE } from '../null-trace.js';
import type {
  EventOptions,
  FinishOptions,
  PastSliceOptions,
  RequestTrace,
  RetryOptions,
  SliceEndOptions,
  SliceStartOptions,
  TraceAttributes,
  VisitOptions,
} from '../request-trace.js';
import { hexToBits, hexToWords, newSpanId, spanIdHigh, spanIdLow, SpanRef } from '../span-ids.js';
import { defaultThread, type TraceThread } from '../thread.js';
import { TraceLevel } from '../trace-level.js';
import { SpanKind, SpanStatus } from '../trace-span.js';
import { MAX_LINKS } from './record-format.js';
import { RecordedMessage } from './recorded-message.js';
import { RequestId, RequestSpan, roomOf } from './request-span.js';
import { SliceFrame, type PendingLink } from './slice-frame.js';
import type { SpanWriter } from './span-writer.js';
import { stampTs, TIMES } from './times.js';
import { WaitingEvents } from './waiting-events.js';

/** Slices in one another; deeper ones are dropped. */
const MAX_DEPTH = 16;
const OK_FLAGS = SpanKind.internal;
const ERROR_FLAGS = SpanKind.internal | (SpanStatus.error << 4);
const UNFINISHED = 'unfinished';
const CURRENT_IDS = new Int32Array(6);

let liveCount = 0;

/** Of a slice by its name: names of one's own may be those of `Object.prototype`'s members. */
function levelOf(name: string): TraceLevel {
  const level: unknown = SLICE_LEVEL[name as SliceName];
  return typeof level === 'number' ? (level as TraceLevel) : TraceLevel.normal;
}

/** Requests that are recorded on this JavaScript thread now. */
export function liveRecordings(): number {
  return liveCount;
}

export interface VisitParts {
  readonly request: RequestSpan;
  readonly thread: TraceThread;
  readonly startTs: number;
  readonly choice: number | undefined;
  /** Span id of the slice that led here, zeros for none. */
  readonly previous0: number;
  readonly previous1: number;
  /** With the first visit the request ends here. */
  readonly isFirst: boolean;
}

/** One visit of a traced request to one thread: its thread span and slices, written to the thread's ring as they end. */
export class RecordedTrace implements RequestTrace {
  readonly level: TraceLevel;
  readonly #thread: TraceThread;
  readonly #writer: SpanWriter;
  readonly #isFirst: boolean;
  readonly #frames: SliceFrame[] = [];
  // Most requests on most threads have none of these, and every request makes one of this class on every thread.
  #attributes: Record<string, TraceAttributes[string]> | null;
  #visits: RecordedTrace[] | null = null;
  #events: WaitingEvents | null = null;
  #request: RequestSpan;
  #startTs: number;
  #depth = 0;
  /** Of the thread span. */
  #thread0 = spanIdHigh();
  #thread1 = spanIdLow();
  /** The last slice of the first level. */
  #previous0: number;
  #previous1: number;
  /** What the next slice of the first level links to beside the one before it. */
  #nextLink: PendingLink | null = null;
  #isThreadOpen = true;
  #isEnded = false;

  constructor({ request, thread, startTs, choice, previous0, previous1, isFirst }: VisitParts) {
    this.level = request.options.level;
    this.#request = request;
    this.#writer = request.options.writer;
    this.#thread = thread;
    this.#startTs = startTs;
    this.#previous0 = previous0;
    this.#previous1 = previous1;
    this.#isFirst = isFirst;
    this.#attributes = choice === undefined ? null : { [AttributeName.choice]: choice };
    if (isFirst) liveCount++;
  }

  sliceStart(name: string, options?: SliceStartOptions): void {
    stampTs(0, options?.ts);
    this.#sliceStart(name, options);
  }

  sliceEnd(name: string, options?: SliceEndOptions): void {
    stampTs(1, options?.ts);
    this.#sliceEnd(name, options);
  }

  #sliceStart(name: string, options: SliceStartOptions | undefined): void {
    if (this.#isEnded) return;
    const isAnonymous = options?.anonymous === true;
    this.#open(name, isAnonymous, isAnonymous || this.#includes(name, options?.level));
    if (options === undefined || this.#depth > MAX_DEPTH) return;
    const frame = this.#frames[this.#depth - 1]!;
    const { level, spanId } = options;
    if (isAnonymous) frame.level = level;
    if (spanId === undefined) return;
    frame.id0 = hexToBits(spanId, 0);
    frame.id1 = hexToBits(spanId, 8);
    if (frame.isFirstLevel && frame.isRecorded && !isAnonymous) this.#follow(frame.id0, frame.id1);
  }

  #sliceEnd(name: string, options: SliceEndOptions | undefined): void {
    if (this.#isEnded) return;
    if (this.#depth > MAX_DEPTH) this.#depth--;
    else if (this.#depth > 0) {
      const frame = this.#frames[--this.#depth]!;
      if (frame.isAnonymous) this.#name(frame, name);
      if (frame.isRecorded) {
        const isOther = frame.name !== name;
        this.#writeSlice(frame, options?.attributes, isOther ? `ended as ${name}` : null);
      }
    }
    if (options === undefined) return;
    if (options.autoNext) {
      TIMES[0] = TIMES[1]!;
      this.#open('', true, true);
    }
    if (options.threadFinish) this.#finishThread(null);
  }

  slice(name: string, startTs: number, endTs: number, options?: PastSliceOptions): void {
    if (this.#isEnded) return;
    if (!this.#includes(name, options?.level)) return;
    TIMES[0] = startTs;
    this.#open(name, false, true);
    if (this.#depth > MAX_DEPTH) {
      this.#depth--;
      return;
    }
    const frame = this.#frames[--this.#depth]!;
    frame.batch = options?.batch ?? null;
    TIMES[1] = endTs;
    this.#writeSlice(frame, options?.attributes, null);
  }

  event(name: string, attributes?: TraceAttributes, options?: EventOptions): void {
    if (this.#isEnded || (options?.level ?? TraceLevel.important) > this.level) return;
    const ts = options?.ts ?? now();
    if (!this.#isThreadOpen) this.#reopenThread(ts);
    (this.#events ??= new WaitingEvents()).add(name, ts, attributes);
  }

  setSliceAttributes(attributes: TraceAttributes): void {
    const frame = this.#innermost();
    if (frame && !this.#isEnded) frame.attributes = Object.assign(frame.attributes ?? {}, attributes);
  }

  setRequestAttributes(attributes: TraceAttributes): void {
    if (!this.#isEnded) Object.assign(this.#request.attributes, attributes);
  }

  setThreadAttributes(attributes: TraceAttributes): void {
    this.#attributes = Object.assign(this.#attributes ?? {}, attributes);
  }

  link(kind: LinkKind, { traceId, spanId }: { readonly traceId?: string; readonly spanId: string }): void {
    const frame = this.#innermost();
    if (!frame || this.#isEnded) return;
    const trace = traceId === undefined ? this.#request.ids.slice(0, RequestId.request) : hexToWords(traceId);
    frame.links ??= [];
    frame.links.push({ kind, to: new SpanRef([...trace, ...hexToWords(spanId)]) });
  }

  current(): SpanRef | null {
    this.putCurrent(CURRENT_IDS);
    return new SpanRef(CURRENT_IDS);
  }

  /** As `current`, without an object. @param ids takes the trace id (4 words) and the span id (2) */
  putCurrent(ids: Int32Array): void {
    for (let i = 0; i < 4; i++) ids[i] = this.#request.ids[i]!;
    const frame = this.#innermost();
    if (frame?.isRecorded) {
      // An anonymous one that is linked to stays, whatever its name.
      frame.hasNested = true;
      ids[4] = frame.id0;
      ids[5] = frame.id1;
      return;
    }
    const hasPrevious = (this.#previous0 | this.#previous1) !== 0;
    ids[4] = hasPrevious ? this.#previous0 : this.#thread0;
    ids[5] = hasPrevious ? this.#previous1 : this.#thread1;
  }

  visit({ thread = defaultThread(), choice, ts = now(), after }: VisitOptions = {}): RequestTrace {
    if (this.#isEnded) return NULL_TRACE;
    const before = after instanceof RecordedTrace ? after : this;
    const visit = new RecordedTrace({
      request: this.#request,
      thread,
      startTs: ts,
      choice,
      previous0: before.#previous0,
      previous1: before.#previous1,
      isFirst: false,
    });
    (this.#visits ??= []).push(visit);
    return visit;
  }

  retry({ bootstrapRoom, reason, ts = now() }: RetryOptions): void {
    const old = this.#request;
    // Only the thread that the room began on knows of attempts.
    if (this.#isEnded || !this.#isFirst || !old.options.ownsRoom) return;
    old.fail(reason);
    this.#endVisits(ts, reason);
    TIMES[1] = ts;
    this.#finishThread(reason);
    old.end(ts);
    const { ids } = old;
    this.#request = new RequestSpan({
      ...old.options,
      ids: [...ids.slice(0, RequestId.request), ...newSpanId(), ...newSpanId(), ...ids.slice(RequestId.outer)],
      room: roomOf(bootstrapRoom),
      startTs: ts,
      attributes: old.attributes,
    });
    this.#startTs = ts;
    this.#thread0 = spanIdHigh();
    this.#thread1 = spanIdLow();
    this.#isThreadOpen = true;
    const lost = [...ids.slice(0, RequestId.request), ...ids.slice(RequestId.room, RequestId.outer)];
    this.#nextLink = { kind: LinkKind.retryOf, to: new SpanRef(lost) };
  }

  finish({ ts = now(), attributes }: FinishOptions = {}): void {
    if (this.#isEnded) return;
    if (attributes) Object.assign(this.#request.attributes, attributes);
    this.#end(ts, null);
  }

  abort(reason: string, { ts = now() }: { readonly ts?: number } = {}): void {
    if (this.#isEnded) return;
    this.#request.fail(reason);
    this.#end(ts, reason);
  }

  /** Sent within the innermost open slice; processed on the thread, as that goes on beyond a slice. Between visits there is only the request. */
  message(options: MessageSpanOptions): MessageSpan | null {
    if (this.#isEnded) return null;
    const { ids } = this.#request;
    const outer = options.kind === SpanKind.producer ? this.#recordedAbove(Math.min(this.#depth, MAX_DEPTH)) : null;
    // An anonymous slice that something hangs on stays, whatever its name.
    if (outer !== null) outer.hasNested = true;
    const thread: [number, number] = this.#isThreadOpen ? [this.#thread0, this.#thread1] : [ids[4]!, ids[5]!];
    return new RecordedMessage(this.#request, outer === null ? thread : [outer.id0, outer.id1], options);
  }

  inject(carrier: ContextCarrier): void {
    this.#request.inject(carrier, this.#previous0, this.#previous1);
  }

  #includes(name: string, level: TraceLevel | undefined): boolean {
    if (this.level === TraceLevel.all) return true;
    return (level ?? levelOf(name)) <= this.level;
  }

  #innermost(): SliceFrame | undefined {
    return this.#depth === 0 || this.#depth > MAX_DEPTH ? undefined : this.#frames[this.#depth - 1];
  }

  #open(name: string, isAnonymous: boolean, isRecorded: boolean): void {
    const depth = this.#depth++;
    if (depth >= MAX_DEPTH) {
      if (!isRecorded) return;
      this.#request.dropped++;
      this.#writer.drop();
      return;
    }
    if (!this.#isThreadOpen) this.#reopenThread(TIMES[0]!);
    const frame = (this.#frames[depth] ??= new SliceFrame());
    frame.name = name;
    frame.startTs = TIMES[0]!;
    frame.isAnonymous = isAnonymous;
    frame.isRecorded = isRecorded;
    frame.hasNested = false;
    frame.level = undefined;
    frame.attributes = null;
    frame.links = null;
    frame.batch = null;
    if (!isRecorded) return;
    frame.id0 = spanIdHigh();
    frame.id1 = spanIdLow();
    const outer = this.#recordedAbove(depth);
    frame.isFirstLevel = outer === null;
    if (outer !== null) outer.hasNested = true;
    else {
      frame.previous0 = this.#previous0;
      frame.previous1 = this.#previous1;
      if (!isAnonymous) this.#follow(frame.id0, frame.id1);
    }
  }

  /** Slices after the thread's end, such as those of another attempt, make another visit. */
  #reopenThread(startTs: number): void {
    this.#isThreadOpen = true;
    this.#startTs = startTs;
    this.#thread0 = spanIdHigh();
    this.#thread1 = spanIdLow();
  }

  #recordedAbove(depth: number): SliceFrame | null {
    for (let i = depth - 1; i >= 0; i--) if (this.#frames[i]!.isRecorded) return this.#frames[i]!;
    return null;
  }

  #follow(id0: number, id1: number): void {
    this.#previous0 = id0;
    this.#previous1 = id1;
  }

  /** An anonymous slice is known only now. What hangs on it keeps it. */
  #name(frame: SliceFrame, name: string): void {
    frame.name = name;
    frame.isRecorded = frame.hasNested || this.#includes(name, frame.level);
    if (frame.isRecorded && frame.isFirstLevel) this.#follow(frame.id0, frame.id1);
  }

  /** Ends at TIMES[1]. */
  #writeSlice(frame: SliceFrame, attributes: TraceAttributes | undefined, error: string | null): void {
    TIMES[0] = frame.startTs;
    if (!this.#begin(frame.name, error)) return;
    const writer = this.#writer;
    if (frame.isFirstLevel) {
      writer.ids(frame.id0, frame.id1, this.#thread0, this.#thread1, frame.previous0, frame.previous1);
    } else {
      const outer = this.#recordedAbove(this.#depth)!;
      writer.ids(frame.id0, frame.id1, outer.id0, outer.id1);
    }
    if (frame.attributes === null) {
      if (attributes !== undefined) writer.attributes(attributes);
    } else writer.attributes(attributes === undefined ? frame.attributes : Object.assign(frame.attributes, attributes));
    const droppedEvents = this.#events === null ? 0 : this.#events.write(writer, TIMES[0]!, TIMES[1]!);
    let droppedLinks = 0;
    if (this.#nextLink !== null && frame.isFirstLevel) {
      droppedLinks += this.#writeLink(this.#nextLink.kind, this.#nextLink.to);
      this.#nextLink = null;
    }
    if (frame.batch !== null) droppedLinks += this.#writeLink(LinkKind.batch, frame.batch);
    if (frame.links !== null) droppedLinks += this.#writeLinks(frame.links);
    writer.commit(droppedEvents, droppedLinks);
  }

  #writeLinks(links: readonly PendingLink[]): number {
    // One place is the previous slice's, one perhaps that of a retry, and one of a batch step.
    const most = MAX_LINKS - 3;
    let dropped = Math.max(0, links.length - most);
    for (let i = 0; i < links.length && i < most; i++) dropped += this.#writeLink(links[i]!.kind, links[i]!.to);
    return dropped;
  }

  /** @returns how many there was no room for */
  #writeLink(kind: string, to: SpanRef): number {
    const { ids } = to;
    if (!this.#writer.link(ids, ids[4]!, ids[5]!)) return 1;
    this.#writer.attribute(AttributeName.linkKind, kind);
    return 0;
  }

  /** Begins the record of a span from TIMES[0] to TIMES[1]; its ids have to follow. @returns false when it was dropped */
  #begin(name: string, error: string | null): boolean {
    const writer = this.#writer;
    const flags = error === null ? OK_FLAGS : ERROR_FLAGS;
    if (TIMES[1]! < TIMES[0]!) TIMES[1] = TIMES[0]!;
    const { ids, options } = this.#request;
    const id = writer.nameId(name);
    if (!writer.begin(id, TIMES[0]!, TIMES[1]!, ids, options.epoch, -1, flags)) {
      this.#request.dropped++;
      return false;
    }
    if (id < 0) writer.name(name);
    if (error !== null) writer.statusMessage(error);
    return true;
  }

  /** The thread span ends at TIMES[1], and what is open with it. @param reason of an end as an error */
  #finishThread(reason: string | null): void {
    if (!this.#isThreadOpen) return;
    while (this.#depth > MAX_DEPTH) this.#depth--;
    while (this.#depth > 0) {
      const frame = this.#frames[--this.#depth]!;
      if (frame.isAnonymous) this.#name(frame, 'anonymous');
      if (frame.isRecorded) this.#writeSlice(frame, undefined, reason ?? UNFINISHED);
    }
    this.#isThreadOpen = false;
    const writer = this.#writer;
    const { spanName, attributes } = this.#thread;
    TIMES[0] = this.#startTs;
    if (!this.#begin(spanName, reason)) return;
    const { ids, dropped, options } = this.#request;
    writer.ids(this.#thread0, this.#thread1, ids[RequestId.request]!, ids[RequestId.request + 1]!);
    // Whose request span ends elsewhere says here what it lost.
    if (options.isElsewhere && dropped > 0) this.setThreadAttributes({ [AttributeName.dropped]: dropped });
    if (this.#attributes === null) writer.fixedAttributes(attributes);
    else writer.attributes({ ...attributes, ...this.#attributes });
    writer.commit(this.#events === null ? 0 : this.#events.writeRest(writer));
  }

  #endVisits(ts: number, reason: string | null): void {
    for (const visit of this.#visits ?? []) {
      if (!visit.#isEnded) visit.#end(ts, reason ?? (visit.#isThreadOpen ? UNFINISHED : null));
    }
    this.#visits = null;
  }

  #end(ts: number, reason: string | null): void {
    this.#endVisits(ts, reason);
    TIMES[1] = ts;
    this.#finishThread(reason);
    this.#isEnded = true;
    if (!this.#isFirst) return;
    liveCount--;
    this.#request.end(ts);
    forget(this.#request.options.rid, this);
  }
}
