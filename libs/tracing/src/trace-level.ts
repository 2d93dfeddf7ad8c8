/** How much of a request is traced; frozen at its start, and it travels with the request. */
export const TraceLevel = {
  off: 0,
  /** The important slices. */
  important: 1,
  /** All but nested slices: the default. */
  normal: 2,
  all: 3,
} as const;
export type TraceLevel = (typeof TraceLevel)[keyof typeof TraceLevel];

/** Parts of the instrumentation that can be chosen one by one. */
export const TraceModule = {
  request: 'request',
  /** Message spans (PRODUCER, CONSUMER). */
  messaging: 'messaging',
  engine: 'engine',
} as const;
export type TraceModule = (typeof TraceModule)[keyof typeof TraceModule];
