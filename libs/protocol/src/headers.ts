/**
 * NATS headers that carry a request's context on JSON messages. Frames carry none: one frame holds entries of many
 * requests.
 */
export const HeaderName = {
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  /** Reserved for the slice that handed the request over, which the receiver's first slice links to. */
  previousSlice: 'sw-prev-slice',
  /** Reserved for the request's trace level, frozen at its start: one digit, 0 to 3. */
  traceLevel: 'sw-trace-level',
} as const;
export type HeaderName = (typeof HeaderName)[keyof typeof HeaderName];
