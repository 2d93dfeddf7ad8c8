import { AttributeName, SpanName } from '../names.js';
import { SpanKind, type TraceSpan } from '../trace-span.js';

const ROOM_NAME = /^Bootstrap Room 0x([0-9a-f]{16})$/;
const REQUEST_NAME = /^(\S+) Req /;

export const SpanPlace = {
  /** What came in from outside of us: the HTTP server's span. */
  other: 'other',
  room: 'room',
  request: 'request',
  thread: 'thread',
  slice: 'slice',
  /** Of a message that is sent or processed: no part of the time that slices tile. */
  message: 'message',
  batchStep: 'batch_step',
} as const;
export type SpanPlace = (typeof SpanPlace)[keyof typeof SpanPlace];

/** Which level of the tree a span is, by its own name and attributes alone: its parent may be missing. */
export function placeOf({ name, attributes, scope, kind }: TraceSpan): SpanPlace {
  if (name === SpanName.batchStep) return SpanPlace.batchStep;
  if (ROOM_NAME.test(name)) return SpanPlace.room;
  if (REQUEST_NAME.test(name) && attributes[AttributeName.rid] !== undefined) return SpanPlace.request;
  if (attributes[AttributeName.threadLabel] !== undefined) return SpanPlace.thread;
  // Jaeger's older answers have no scope.
  if (scope !== 'sliceway' && scope !== '') return SpanPlace.other;
  if (kind === SpanKind.producer || kind === SpanKind.consumer) return SpanPlace.message;
  return kind === SpanKind.internal ? SpanPlace.slice : SpanPlace.other;
}

/** `gateway` of `gateway Req a1b2c3d4`. */
export function roleOfRequest({ name }: TraceSpan): string | undefined {
  return REQUEST_NAME.exec(name)?.[1];
}

/** Spans of one or more traces, by id and by parent. */
export class SpanTree {
  readonly spans: readonly TraceSpan[];
  readonly #byId = new Map<string, TraceSpan>();
  readonly #children = new Map<string, TraceSpan[]>();

  /** Of spans that came twice, the first one counts. */
  constructor(spans: readonly TraceSpan[]) {
    for (const span of spans) {
      const key = span.traceId + span.spanId;
      if (!this.#byId.has(key)) this.#byId.set(key, span);
    }
    this.spans = [...this.#byId.values()].sort(byTime);
    for (const span of this.spans) {
      if (span.parentSpanId === null) continue;
      const key = span.traceId + span.parentSpanId;
      const siblings = this.#children.get(key);
      if (siblings) siblings.push(span);
      else this.#children.set(key, [span]);
    }
  }

  find(traceId: string, spanId: string): TraceSpan | undefined {
    return this.#byId.get(traceId + spanId);
  }

  parentOf(span: TraceSpan): TraceSpan | undefined {
    return span.parentSpanId === null ? undefined : this.find(span.traceId, span.parentSpanId);
  }

  /** In the order of their start. */
  childrenOf({ traceId, spanId }: Pick<TraceSpan, 'traceId' | 'spanId'>): readonly TraceSpan[] {
    return this.#children.get(traceId + spanId) ?? [];
  }

  /** Those whose parent is not among them. */
  roots(): readonly TraceSpan[] {
    return this.spans.filter((span) => this.parentOf(span) === undefined);
  }
}

/** By start, then by end: a slice that took no time is before the one that begins with it. */
export function byTime(a: Interval, b: Interval): number {
  if (a.startNs !== b.startNs) return a.startNs < b.startNs ? -1 : 1;
  return a.endNs === b.endNs ? 0 : a.endNs < b.endNs ? -1 : 1;
}

interface Interval {
  readonly startNs: bigint;
  readonly endNs: bigint;
}
