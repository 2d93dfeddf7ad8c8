import { EventName, type LinkKind, type SpanLink, type TraceSpan } from '@sliceway/tracing';
import { OUTER_PARENT, type SampleOptions, sampleTrace } from '@sliceway/tracing/testing';
import type { TraceRule } from './trace-fault.js';
import { validateTrace, type ValidateTraceOptions } from './trace-validator.js';

/** A span of a copy of the trace, to be broken. */
export type Broken = { -readonly [Key in keyof TraceSpan]: TraceSpan[Key] } & { attributes: Record<string, unknown> };
export type Mutation = (spans: Broken[]) => Broken[] | void;
type Found = readonly [name: string | RegExp, index?: number];
/** What is wrong with a trace, the rule and the words that refuse it, and how it comes to that. */
export type BrokenTrace = [what: string, TraceRule, RegExp, Mutation, SampleOptions?];

export const PARENT: ValidateTraceOptions = { parent: OUTER_PARENT };

/** As {@link PARENT}, where the process of a role in the sample was killed. */
export const killed = (role: string): ValidateTraceOptions => ({ ...PARENT, lost: { role, instance: `${role}-0` } });

export function valid(options: SampleOptions = {}): Broken[] {
  return structuredClone(sampleTrace(options)) as Broken[];
}

export function the(spans: readonly Broken[], name: string | RegExp, index = 0): Broken {
  const found = spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))[index];
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

export function leave(spans: Broken[], span: Broken): Broken[] {
  return spans.filter((each) => each !== span);
}

/** Changes one span. */
export const on =
  (name: string | RegExp, change: (span: Broken) => void, index = 0): Mutation =>
  (spans) => {
    change(the(spans, name, index));
  };

/** Changes for `on`. */
export const without = (key: string) => (span: Broken) => void delete span.attributes[key];
export const relink = (kind: LinkKind, change: Partial<SpanLink>) => (span: Broken) =>
  void (span.links = span.links.map((link) => (link.attributes['link.kind'] === kind ? { ...link, ...change } : link)));
/** The first span's link leads to the second; each is given by its name and its index among those that are called so. */
export const leads =
  (kind: LinkKind, [from, fromIndex]: Found, [to, toIndex]: Found): Mutation =>
  (spans) => {
    const { traceId, spanId } = the(spans, to, toIndex);
    relink(kind, { traceId, spanId })(the(spans, from, fromIndex));
  };
export const withoutSchedule = (span: Broken) =>
  void (span.events = span.events.filter(({ name }) => name !== EventName.schedule));
export const kind = (name: string) => ({ attributes: { 'link.kind': name } });
export const unlink = (kind: LinkKind) => (span: Broken) =>
  void (span.links = span.links.filter(({ attributes }) => attributes['link.kind'] !== kind));

/** Each of them is refused for its one fault. */
export function itRefuses(traces: readonly BrokenTrace[]): void {
  it.each(traces)('refuses %s', (_, rule, message, mutate, options = {}) => {
    const spans = valid(options);
    const validated = { ...PARENT, ...(message.source.includes('level 2') ? { level: 2 as const } : {}) };
    const mutated = mutate(spans) ?? spans;
    const faults = validateTrace(mutated, validated);
    expect(faults.map((fault) => [fault.rule, fault.message])).toEqual([[rule, expect.stringMatching(message)]]);
  });
}
