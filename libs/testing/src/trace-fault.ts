import type { TraceSpan } from '@sliceway/tracing';

/** What a trace must hold to. */
export const TraceRule = {
  /** One trace, one tree. */
  oneTree: 'one_tree',
  /** Every parent is there. */
  parent: 'parent',
  /** A span hangs where its kind belongs. */
  place: 'place',
  /** Names are known, in their service, thread and level. */
  name: 'name',
  /** Spans end, and not before they begin. */
  time: 'time',
  /** What is inside another span is within its time. */
  nesting: 'nesting',
  /** Slices of a thread leave no gap and do not overlap. */
  tiling: 'tiling',
  /** Required attributes and events. */
  attributes: 'attributes',
  /** Links lead to what their kind says. */
  link: 'link',
  /** At most 128 events and links. */
  limit: 'limit',
  /** Errors have a reason, on all spans that they are the end of. */
  status: 'status',
} as const;
export type TraceRule = (typeof TraceRule)[keyof typeof TraceRule];

export interface TraceFault {
  readonly rule: TraceRule;
  /** Of the span that it is found on; empty for one of the whole trace. */
  readonly spanId: string;
  readonly message: string;
}

/** Collects faults, each with the name of its span. */
export type Report = (rule: TraceRule, span: TraceSpan | null, message: string) => void;

/** OpenTelemetry's limits of a span. */
export const MAX_EVENTS_AND_LINKS = 128;
