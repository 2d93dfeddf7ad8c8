export interface ThreadOptions {
  /** What runs here, such as `scheduler` or `kv_sender`. */
  readonly label: string;
  readonly tpRank?: number;
  readonly dpRank?: number;
  readonly ppRank?: number;
}

/** One line of execution in the trace: an event loop, a worker thread, or a sender of its own on either. */
export type TraceThread = Readonly<ThreadOptions>;

/**
 * Names a line of execution. The first one of a JavaScript thread is what its requests run on unless they say otherwise
 * (`thread` in `startRequest` and `resumeRequest`).
 */
export function registerThread(options: ThreadOptions): TraceThread {
  return Object.freeze({ ...options });
}
