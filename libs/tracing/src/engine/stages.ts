import type { SliceName } from '../names.js';
import type { RequestTrace, TraceAttributes } from '../request-trace.js';

/** Options of the call under way, of which a trace keeps nothing: no object a slice. */
const at = { ts: 0 };

/** One slice after the other on a request's thread, without a gap: each begins where the one before it ends. */
export class Stages {
  #current: SliceName | null;

  /** @param first is open already */
  constructor(
    readonly trace: RequestTrace,
    first: SliceName,
  ) {
    this.#current = first;
  }

  get current(): SliceName | null {
    return this.#current;
  }

  next(name: SliceName, ts: number, spanId?: string): void {
    if (this.#current === null) return;
    at.ts = ts;
    this.trace.sliceEnd(this.#current, at);
    this.#current = name;
    this.trace.sliceStart(name, spanId === undefined ? at : { ts, spanId });
  }

  /** The request leaves this thread; what comes later does nothing. */
  end(ts: number, attributes: TraceAttributes = {}): void {
    if (this.#current === null) return;
    this.trace.sliceEnd(this.#current, { ts, attributes, threadFinish: true });
    this.#current = null;
  }
}
