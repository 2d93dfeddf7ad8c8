import type { RequestTrace } from './request-trace.js';

/** A request that is never finished must not hold memory for ever: past this the oldest is closed. */
const MAX_LIVE_REQUESTS = 65_536;
const live = new Map<string, RequestTrace>();

/** Requests that are traced on this JavaScript thread now. */
export function liveRequests(): number {
  return live.size;
}

/** The live trace of a request in this JavaScript thread, the last one opened. */
export function liveRequest(rid: string): RequestTrace | undefined {
  return live.get(rid);
}

export function enlist(rid: string, trace: RequestTrace): RequestTrace {
  const before = live.size;
  live.set(rid, trace);
  if (live.size === before) {
    // One that has it already is no longer the oldest.
    live.delete(rid);
    live.set(rid, trace);
  } else if (before >= MAX_LIVE_REQUESTS) {
    const [oldest, forgotten] = live.entries().next().value!;
    live.delete(oldest);
    forgotten.abort('forgotten: too many live requests');
  }
  return trace;
}

export function forget(rid: string, ended: RequestTrace): void {
  if (live.get(rid) === ended) live.delete(rid);
}
