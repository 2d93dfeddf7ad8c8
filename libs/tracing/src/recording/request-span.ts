import { AttributeName } from '../names.js';
import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import { hexToBits, randomBits, spanIdToHex } from '../span-ids.js';
import type { TraceLevel, TraceModule } from '../trace-level.js';
import { SpanKind, SpanStatus } from '../trace-span.js';
import type { SpanWriter } from './span-writer.js';

/** Positions in the ids of a record. */
export const Id = { trace: 0, span: 4, parent: 6, previous: 8, length: 10 } as const;

/** Of the record that this thread writes now. To make a typed array costs more than to write a span. */
export const RECORD_IDS = new Int32Array(Id.length);

const ERROR_FLAG = SpanStatus.error << 4;

/** Hex ids of the spans that a request's spans hang on; zeros for none. */
export interface RequestParent {
  readonly traceId: string;
  /** The room span, or what the room span is to hang on. */
  readonly spanId: string;
  readonly traceState: string | undefined;
  /** The sampled flag and its like, as `traceparent` has them. */
  readonly flags: string;
}

export interface RequestSpanOptions {
  readonly rid: string;
  readonly role: string;
  readonly module: TraceModule;
  readonly level: TraceLevel;
  /** 16 hex characters, zeros for none. */
  readonly room: string;
  readonly parent: RequestParent;
  /** This request span exists already, on another thread: its id. */
  readonly requestSpan: string | null;
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
  /** Trace id (4 words), request span (2), room span (2). */
  readonly ids = [0, 0, 0, 0, 0, 0, 0, 0];
  readonly attributes: Record<string, AttributeValue>;
  /** Spans that the ring had no room for. */
  dropped = 0;
  #error: string | null = null;
  #requestHex: string | null;
  #roomHex: string | null;

  constructor(options: RequestSpanOptions) {
    const { parent, ownsRoom, requestSpan, attributes } = options;
    this.options = options;
    this.attributes = attributes === undefined ? {} : { ...attributes };
    this.#requestHex = requestSpan;
    this.#roomHex = ownsRoom ? null : parent.spanId;
    const { ids } = this;
    for (let i = 0; i < 4; i++) ids[i] = hexToBits(parent.traceId, i * 8);
    for (let i = 0; i < 2; i++) {
      ids[4 + i] = requestSpan === null ? randomBits() : hexToBits(requestSpan, i * 8);
      ids[6 + i] = ownsRoom ? randomBits() : hexToBits(parent.spanId, i * 8);
    }
  }

  get traceHex(): string {
    return this.options.parent.traceId;
  }

  // Only a request that is handed on needs these two.

  get requestHex(): string {
    return (this.#requestHex ??= spanIdToHex(this.ids, 4));
  }

  /** Of the room span, in `traceparent`. */
  get roomHex(): string {
    return (this.#roomHex ??= spanIdToHex(this.ids, 6));
  }

  /** The first reason is the one that counts. */
  fail(reason: string): void {
    this.#error ??= reason;
  }

  /** The request leaves this thread for good. Where its span began elsewhere, it ends there. */
  end(endTs: number): void {
    const { options } = this;
    if (options.requestSpan !== null) return;
    const { rid, role, room, module, ownsRoom } = options;
    if (this.dropped > 0) this.attributes[AttributeName.dropped] = this.dropped;
    const own = {
      [AttributeName.rid]: rid,
      [AttributeName.bootstrapRoom]: `0x${room}`,
      [AttributeName.module]: module,
    };
    this.#write(`${role} Req ${rid.slice(0, 8)}`, 4, 6, endTs, { ...own, ...this.attributes });
    if (ownsRoom) this.#write(`Bootstrap Room 0x${room}`, 6, -1, endTs, own);
  }

  #write(name: string, span: number, parent: number, endTs: number, attributes: TraceAttributes): void {
    const { writer, epoch, startTs, parent: outer } = this.options;
    const ids = RECORD_IDS;
    for (let i = 0; i < 4; i++) ids[i] = this.ids[i]!;
    for (let i = 0; i < 2; i++) {
      ids[Id.span + i] = this.ids[span + i]!;
      ids[Id.parent + i] = parent < 0 ? hexToBits(outer.spanId, i * 8) : this.ids[parent + i]!;
      ids[Id.previous + i] = 0;
    }
    const flags = SpanKind.internal | (this.#error === null ? 0 : ERROR_FLAG);
    if (!writer.begin(-1, startTs, Math.max(startTs, endTs), ids, epoch, -1, flags)) return;
    writer.name(name);
    if (this.#error !== null) writer.statusMessage(this.#error);
    if (outer.traceState !== undefined) writer.traceState(outer.traceState);
    writer.attributes(attributes);
    writer.commit();
  }
}
