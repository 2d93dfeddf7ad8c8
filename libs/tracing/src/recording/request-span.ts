import { type ContextCarrier, ContextHeader } from '../context-carrier.js';
import { HeaderWriter } from '../header-text.js';
import { AttributeName } from '../names.js';
import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import { NO_ID, spanIdToHex } from '../span-ids.js';
import { FLAGS_AT, OWN_REST, PARENT_AT, PREVIOUS_AT, ROLE_AT, TRACE_AT, TRACEPARENT_LENGTH } from '../trace-context.js';
import type { TraceLevel, TraceModule } from '../trace-level.js';
import { SpanKind, SpanStatus } from '../trace-span.js';
import type { SpanWriter } from './span-writer.js';

const ERROR_FLAG = SpanStatus.error << 4;

const traceparent = new HeaderWriter(`00-${NO_ID}${NO_ID}-${NO_ID}-01`);
/** Up to the role. */
const ownHeader = new HeaderWriter(`0-${NO_ID}-`);
const LEVEL_DIGIT = ['0', '1', '2', '3'] as const satisfies Record<TraceLevel, string>;

/** Positions in `RequestSpan.ids`: of the trace (4 words), the request span, the room span, and what the latter hangs on (2 each). */
export const RequestId = { trace: 0, request: 4, room: 6, outer: 8 } as const;

export const NO_ROOM = NO_ID;
const ROOM = /^[0-9a-f]{1,16}$/i;

/**
 * A bootstrap room as headers have it: 16 hex characters, zeros where it is none.
 *
 * @param isHandedOver who began the request has looked at it; a regular expression would be a twentieth of resuming it
 */
export function roomOf(text: string, isHandedOver = false): string {
  if (isHandedOver && text.length === NO_ROOM.length) return text;
  return ROOM.test(text) ? text.toLowerCase().padStart(NO_ROOM.length, '0') : NO_ROOM;
}

export interface RequestSpanOptions {
  readonly rid: string;
  readonly role: string;
  readonly module: TraceModule;
  readonly level: TraceLevel;
  /** 16 hex characters, zeros for none. */
  readonly room: string;
  /** As `RequestId` says; zeros for none. */
  readonly ids: readonly number[];
  readonly traceState: string | undefined;
  /** The sampled flag and its like, as `traceparent` has them. */
  readonly flags: string;
  /** This request span began on another thread, and ends there. */
  readonly isElsewhere: boolean;
  /** The room span begins and ends here. */
  readonly ownsRoom: boolean;
  readonly epoch: number;
  readonly startTs: number;
  readonly writer: SpanWriter;
  readonly attributes?: TraceAttributes;
}

/** `Bootstrap Room 0x…` where it begins here, and `{role} Req {rid8}`: what the visits of one request have in common. */
export class RequestSpan {
  readonly options: RequestSpanOptions;
  readonly ids: readonly number[];
  /** Spans that the ring had no room for. */
  dropped = 0;
  #attributes: Record<string, AttributeValue> | null;
  #error: string | null = null;
  #traceparent: string | null = null;

  constructor(options: RequestSpanOptions) {
    this.options = options;
    this.ids = options.ids;
    this.#attributes = options.attributes === undefined ? null : { ...options.attributes };
  }

  get attributes(): Record<string, AttributeValue> {
    return (this.#attributes ??= {});
  }

  get traceHex(): string {
    return spanIdToHex(this.ids, RequestId.trace) + spanIdToHex(this.ids, RequestId.trace + 2);
  }

  /** Writes the context that the request is handed on with. The ids are those of the slice before. */
  inject(carrier: ContextCarrier, previous0: number, previous1: number): void {
    // A request may be handed on several times.
    carrier.set(ContextHeader.traceparent, (this.#traceparent ??= this.#writeTraceparent()));
    const { traceState } = this.options;
    if (traceState !== undefined) carrier.set(ContextHeader.tracestate, traceState);
    carrier.set(ContextHeader.sliceway, this.#writeOwn(previous0, previous1));
  }

  /** The first reason is the one that counts. */
  fail(reason: string): void {
    this.#error ??= reason;
  }

  /** The request leaves this thread for good. Where its span began elsewhere, it ends there. */
  end(endTs: number): void {
    const { options } = this;
    if (options.isElsewhere) return;
    const { rid, role, room, module, ownsRoom } = options;
    const own = {
      [AttributeName.rid]: rid,
      [AttributeName.bootstrapRoom]: `0x${room}`,
      [AttributeName.module]: module,
    };
    this.#write(`${role} Req ${rid.slice(0, 8)}`, RequestId.request, RequestId.room, endTs, {
      ...own,
      ...this.#attributes,
      ...(this.dropped > 0 ? { [AttributeName.dropped]: this.dropped } : {}),
    });
    if (ownsRoom) this.#write(`Bootstrap Room 0x${room}`, RequestId.room, RequestId.outer, endTs, own);
  }

  /** Our own part of the context, as `ReceivedContext` reads it. */
  #writeOwn(previous0: number, previous1: number): string {
    const { ids } = this;
    const { level, role, room } = this.options;
    ownHeader.text(0, LEVEL_DIGIT[level]);
    ownHeader.id(PREVIOUS_AT, previous0, previous1);
    ownHeader.text(ROLE_AT, role);
    const end = ROLE_AT + role.length;
    ownHeader.text(end, '-');
    ownHeader.id(end + 1, ids[RequestId.request]!, ids[RequestId.request + 1]!);
    ownHeader.text(end + 17, '-');
    ownHeader.text(end + 18, room);
    return ownHeader.take(end + OWN_REST);
  }

  /** Of the room span. */
  #writeTraceparent(): string {
    const { ids } = this;
    traceparent.id(TRACE_AT, ids[0]!, ids[1]!);
    traceparent.id(TRACE_AT + 16, ids[2]!, ids[3]!);
    traceparent.id(PARENT_AT, ids[RequestId.room]!, ids[RequestId.room + 1]!);
    traceparent.text(FLAGS_AT, this.options.flags);
    return traceparent.take(TRACEPARENT_LENGTH);
  }

  #write(name: string, span: number, parent: number, endTs: number, attributes: TraceAttributes): void {
    const { writer, epoch, startTs, traceState } = this.options;
    const flags = SpanKind.internal | (this.#error === null ? 0 : ERROR_FLAG);
    const { ids } = this;
    if (!writer.begin(-1, startTs, Math.max(startTs, endTs), ids, epoch, -1, flags)) return;
    writer.ids(ids[span]!, ids[span + 1]!, ids[parent]!, ids[parent + 1]!);
    writer.name(name);
    if (this.#error !== null) writer.statusMessage(this.#error);
    if (traceState !== undefined) writer.traceState(traceState);
    writer.attributes(attributes);
    writer.commit();
  }
}
