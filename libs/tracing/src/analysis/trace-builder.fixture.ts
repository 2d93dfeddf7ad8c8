import { AttributeName, LinkKind, SLICE_LEVEL, type SliceName } from '../names.js';
import type { TraceAttributes } from '../request-trace.js';
import { TraceLevel } from '../trace-level.js';
import { SpanKind, SpanStatus, type SpanEvent, type SpanLink, type TraceSpan } from '../trace-span.js';

/** A span that is still being made. */
export type SpanDraft = { -readonly [Key in keyof TraceSpan]: TraceSpan[Key] } & {
  attributes: Record<string, TraceAttributes[string]>;
  events: SpanEvent[];
  links: SpanLink[];
};

export interface ThreadDraft {
  readonly span: SpanDraft;
  /** Span id that the next slice of the first level links to. */
  previous: string | null;
}

/** Makes spans by hand, as the recorder would write them. Times are nanoseconds since the request came. */
export class TraceBuilder {
  readonly spans: SpanDraft[] = [];
  readonly traceId: string;
  readonly level: TraceLevel;
  readonly #originNs: bigint;
  readonly #hosts: Readonly<Record<string, string>>;
  readonly #skewNs: Readonly<Record<string, bigint>>;
  #ids = 0;

  constructor(
    options: {
      traceId?: string;
      level?: TraceLevel;
      originNs?: bigint;
      hosts?: Record<string, string>;
      skewNs?: Record<string, bigint>;
    } = {},
  ) {
    this.traceId = options.traceId ?? '4bf92f3577b34da6a3ce929d0e0e4736';
    this.level = options.level ?? TraceLevel.normal;
    this.#originNs = options.originNs ?? 1_700_000_000_000_000_000n;
    this.#hosts = options.hosts ?? {};
    this.#skewNs = options.skewNs ?? {};
  }

  span(role: string, name: string, parent: SpanDraft | string | null, startNs: bigint, endNs: bigint): SpanDraft {
    const skewNs = this.#skewNs[role] ?? 0n;
    const span: SpanDraft = {
      traceId: this.traceId,
      spanId: `5a${(++this.#ids).toString(16).padStart(14, '0')}`,
      parentSpanId: parent === null || typeof parent === 'string' ? parent : parent.spanId,
      traceState: '',
      name,
      kind: SpanKind.internal,
      startNs: this.#originNs + startNs + skewNs,
      endNs: this.#originNs + endNs + skewNs,
      attributes: {},
      events: [],
      links: [],
      droppedEvents: 0,
      droppedLinks: 0,
      status: { code: SpanStatus.unset, message: '' },
      scope: 'sliceway',
      resource: { 'service.name': `sliceway-${role}`, 'service.instance.id': `${role}-0`, 'host.name': 'one' },
    };
    this.spans.push(span);
    return span;
  }

  request(role: string, rid: string, room: SpanDraft, startNs: bigint, endNs: bigint): SpanDraft {
    const span = this.span(role, `${role} Req ${rid.slice(0, 8)}`, room, startNs, endNs);
    Object.assign(span.attributes, room.attributes);
    return span;
  }

  thread(
    role: string,
    label: string,
    request: SpanDraft,
    startNs: bigint,
    endNs: bigint,
    { choice, previous = null }: { choice?: number; previous?: string | null } = {},
  ): ThreadDraft {
    const hostId = this.#hosts[role] ?? '0a1b2c3d';
    const pid = { gateway: 101, tokenizer: 102, prefill: 103, decode: 104 }[role] ?? 105;
    const span = this.span(role, `${label} (host:${hostId} | pid:${pid})`, request, startNs, endNs);
    Object.assign(span.attributes, {
      [AttributeName.threadLabel]: label,
      [AttributeName.hostId]: hostId,
      [AttributeName.pid]: pid,
      ...(choice === undefined ? {} : { [AttributeName.choice]: choice }),
    });
    return { span, previous };
  }

  /** Null where the level leaves it out. */
  slice(role: string, thread: ThreadDraft, name: SliceName, startNs: bigint, endNs: bigint): SpanDraft | null {
    if (SLICE_LEVEL[name] > this.level) return null;
    const span = this.span(role, name, thread.span, startNs, endNs);
    if (thread.previous !== null) this.link(span, LinkKind.previous, thread.previous);
    thread.previous = span.spanId;
    return span;
  }

  nested(role: string, slice: SpanDraft | null, name: SliceName, startNs: bigint, endNs: bigint): SpanDraft | null {
    return slice === null || SLICE_LEVEL[name] > this.level ? null : this.span(role, name, slice, startNs, endNs);
  }

  event(role: string, span: SpanDraft | null, name: string, timeNs: bigint, attributes: TraceAttributes = {}): void {
    span?.events.push({ name, timeNs: this.#originNs + timeNs + (this.#skewNs[role] ?? 0n), attributes });
  }

  link(span: SpanDraft | null, kind: LinkKind, spanId: string, traceId = this.traceId): void {
    span?.links.push({ traceId, spanId, attributes: { [AttributeName.linkKind]: kind } });
  }

  /** A span lasts until then at least. */
  extend(span: SpanDraft, role: string, endNs: bigint): void {
    const atNs = this.#originNs + endNs + (this.#skewNs[role] ?? 0n);
    if (atNs > span.endNs) span.endNs = atNs;
  }

  fail(reason: string, ...spans: readonly (SpanDraft | null)[]): void {
    for (const span of spans) if (span) span.status = { code: SpanStatus.error, message: reason };
  }
}
