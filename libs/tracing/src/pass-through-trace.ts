import type { ContextCarrier } from './context-carrier.js';
import { ContextHeader } from './context-carrier.js';
import { forget } from './live-requests.js';
import { NullTrace } from './null-trace.js';
import type { RequestTrace } from './request-trace.js';
import type { TraceContext } from './trace-context.js';

/** Records nothing, but hands on the context that came in, unchanged. */
export class PassThroughTrace extends NullTrace {
  readonly #rid: string;
  readonly #context: TraceContext;
  readonly #own: string | undefined;

  /** @param own header of ours, from which the next service knows the request's level */
  constructor(rid: string, { traceparent, tracestate }: TraceContext, own: string | undefined) {
    super();
    this.#rid = rid;
    this.#context = { traceparent, tracestate };
    this.#own = own;
  }

  override visit(): RequestTrace {
    return new PassThroughTrace(this.#rid, this.#context, this.#own);
  }

  override inject(carrier: ContextCarrier): void {
    const { traceparent, tracestate } = this.#context;
    carrier.set(ContextHeader.traceparent, traceparent);
    if (tracestate !== undefined) carrier.set(ContextHeader.tracestate, tracestate);
    if (this.#own !== undefined) carrier.set(ContextHeader.sliceway, this.#own);
  }

  override finish(): void {
    forget(this.#rid, this);
  }

  override abort(): void {
    forget(this.#rid, this);
  }
}
