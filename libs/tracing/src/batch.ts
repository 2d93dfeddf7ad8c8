import type { PastSliceOptions, RequestTrace, TraceAttributes } from './request-trace.js';

/** The same past slice on many requests: one check, and no loop when none of them is traced. */
export type SliceBatch = (
  name: string,
  traces: readonly RequestTrace[],
  startTs: number,
  endTs: number,
  options?: PastSliceOptions,
) => void;

/** The same event on many requests: one check, and no loop when none of them is traced. */
export type EventBatch = (name: string, traces: readonly RequestTrace[], attributes?: TraceAttributes) => void;

export const sliceBatch: SliceBatch = () => {};
export const eventBatch: EventBatch = () => {};
