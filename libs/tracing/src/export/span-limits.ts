import type { AttributeValue } from '../request-trace.js';
import type { Attributed, TraceSpan } from '../trace-span.js';

/**
 * The most that a span is exported with: https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits. What comes first is kept.
 * Records have limits of their own (record-format.ts), which these can only lower.
 */
export interface SpanLimits {
  readonly attributes: number;
  /** Characters (code points) of a text, or of each one in a list: in spans, events and links. */
  readonly valueLength: number;
  readonly events: number;
  readonly links: number;
  /** Of each event. */
  readonly eventAttributes: number;
  /** Of each link. */
  readonly linkAttributes: number;
}

/** The specification's. */
export const DEFAULT_SPAN_LIMITS: SpanLimits = {
  attributes: 128,
  valueLength: Infinity,
  events: 128,
  links: 128,
  eventAttributes: 128,
  linkAttributes: 128,
};

/**
 * Those of the environment: one of spans, events or links counts more than the general one.
 *
 * @param read the number of a variable, or `fallback`
 */
export function readSpanLimits(read: (name: string, fallback: number) => number): SpanLimits {
  const { attributes, valueLength, events, links } = DEFAULT_SPAN_LIMITS;
  const anyCount = read('OTEL_ATTRIBUTE_COUNT_LIMIT', attributes);
  const anyLength = read('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', valueLength);
  return {
    attributes: read('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', anyCount),
    valueLength: read('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', anyLength),
    events: read('OTEL_SPAN_EVENT_COUNT_LIMIT', events),
    links: read('OTEL_SPAN_LINK_COUNT_LIMIT', links),
    eventAttributes: read('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', anyCount),
    linkAttributes: read('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', anyCount),
  };
}

/** A span within limits, and the counts of what is left out. */
export function limitSpan(span: TraceSpan, limits: SpanLimits): TraceSpan {
  const within = <T extends Attributed>(of: T, most: number): T => {
    const entries = Object.entries(of.attributes);
    if (entries.length <= most && limits.valueLength === Infinity) return of;
    const kept = entries.slice(0, most).map(([key, value]) => [key, limitValue(value, limits.valueLength)] as const);
    const droppedAttributes = (of.droppedAttributes ?? 0) + entries.length - kept.length;
    return { ...of, attributes: Object.fromEntries(kept), droppedAttributes };
  };
  const events = span.events.slice(0, limits.events);
  const links = span.links.slice(0, limits.links);
  return {
    ...within(span, limits.attributes),
    events: events.map((event) => within(event, limits.eventAttributes)),
    links: links.map((link) => within(link, limits.linkAttributes)),
    droppedEvents: span.droppedEvents + span.events.length - events.length,
    droppedLinks: span.droppedLinks + span.links.length - links.length,
  };
}

function limitValue(value: AttributeValue, most: number): AttributeValue {
  if (typeof value === 'string') return limitText(value, most);
  if (typeof value !== 'object' || typeof value[0] !== 'string') return value;
  return (value as readonly string[]).map((text) => limitText(text, most));
}

function limitText(text: string, most: number): string {
  // There are no more characters than units.
  if (text.length <= most) return text;
  return text.slice(
    0,
    limitUnits((at) => text.charCodeAt(at), text.length, most),
  );
}

/** How many of `length` units of UTF-16 are the first `most` characters: a surrogate pair is one. */
export function limitUnits(unitAt: (at: number) => number, length: number, most: number): number {
  let at = 0;
  for (let characters = 0; at < length && characters < most; characters++) {
    const isPair = (unitAt(at) & 0xfc00) === 0xd800 && at + 1 < length && (unitAt(at + 1) & 0xfc00) === 0xdc00;
    at += isPair ? 2 : 1;
  }
  return at;
}
