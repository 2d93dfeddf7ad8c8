import type { TraceAttributes } from './request-trace.js';

/** As OTLP numbers them. */
export const SpanKind = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
export type SpanKind = (typeof SpanKind)[keyof typeof SpanKind];

/** As OTLP numbers them. */
export const SpanStatus = { unset: 0, ok: 1, error: 2 } as const;
export type SpanStatus = (typeof SpanStatus)[keyof typeof SpanStatus];

/** What has attributes. */
export interface Attributed {
  readonly attributes: TraceAttributes;
  /** Those that there was no room for; none if not given. */
  readonly droppedAttributes?: number;
}

export interface SpanEvent extends Attributed {
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly timeNs: bigint;
}

export interface SpanLink extends Attributed {
  /** 32 hex characters. */
  readonly traceId: string;
  /** 16 hex characters. */
  readonly spanId: string;
}

/** One span as it is exported: what the validator, the critical path and the tree look at. */
export interface TraceSpan extends Attributed {
  /** 32 hex characters. */
  readonly traceId: string;
  /** 16 hex characters. */
  readonly spanId: string;
  /** Null for the root of a trace. */
  readonly parentSpanId: string | null;
  readonly traceState: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Nanoseconds since the epoch. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  readonly status: { readonly code: SpanStatus; readonly message: string };
  /** Name of the instrumentation scope. */
  readonly scope: string;
  /** `service.name` and so on. */
  readonly resource: TraceAttributes;
}
