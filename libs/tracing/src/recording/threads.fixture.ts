import { AttributeName } from '../names.js';
import type { TraceSpan } from '../trace-span.js';

/** A thread span with its slices in time. */
export interface ThreadVisit {
  readonly label: string;
  readonly choice: unknown;
  readonly slices: readonly string[];
}

/** @throws Error where the slices of a thread span overlap, or leave a gap between its start and its end */
export function threadsOf(spans: readonly TraceSpan[]): ThreadVisit[] {
  return spans
    .filter(
      ({ attributes }) =>
        attributes[AttributeName.threadLabel] !== undefined && attributes[AttributeName.bid] === undefined,
    )
    .map((thread) => {
      const slices = spans.filter(({ parentSpanId }) => parentSpanId === thread.spanId);
      slices.sort((a, b) => Number(a.startNs - b.startNs));
      let endNs = thread.startNs;
      for (const slice of slices) {
        if (slice.startNs !== endNs)
          throw new Error(`${slice.name} begins ${slice.startNs - endNs} ns after the one before`);
        endNs = slice.endNs;
      }
      if (endNs !== thread.endNs)
        throw new Error(`${thread.name} ends ${thread.endNs - endNs} ns after its last slice`);
      const { [AttributeName.threadLabel]: label, [AttributeName.choice]: choice } = thread.attributes;
      return { label: label as string, choice, slices: slices.map(({ name }) => name) };
    });
}
