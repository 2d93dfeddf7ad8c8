/** A trace that knows where it is, such as `RequestTrace`. */
export interface Located {
  current(): { readonly traceId: string; readonly spanId: string } | null;
}

/** What a log line of a traced request has; nothing where it is not recorded. */
export function traceFields(trace: Located): { readonly trace_id?: string; readonly span_id?: string } {
  const at = trace.current();
  return at === null ? {} : { trace_id: at.traceId, span_id: at.spanId };
}
