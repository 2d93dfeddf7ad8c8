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

  constructor(rid: string, { traceparent, tracestate }: TraceContext) {
    super();
    this.#rid = rid;
    this.#context = { traceparent, tracestate };
  }

  override visit(): RequestTrace {
    return new PassThroughTrace(this.#rid, this.#context);
  }

  override inject(carrier: ContextCarrier): void {
    const { traceparent, tracestate } = this.#context;
    carrier.set(ContextHeader.traceparent, traceparent);
    if (tracestate !== undefined) carrier.set(ContextHeader.tracestate, tracestate);
  }

  override finish(): void {
    forget(this.#rid, this);
  }

  override abort(): void {
    forget(this.#rid, this);
  }
}
