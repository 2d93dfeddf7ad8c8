import type { ContextCarrier } from './context-carrier.js';
import { ContextHeader } from './context-carrier.js';
import { NullTrace } from './null-trace.js';
import type { RequestTrace } from './request-trace.js';
import type { TraceContext } from './trace-context.js';

/** Records nothing, but hands on the context that came in, unchanged. */
export class PassThroughTrace extends NullTrace {
  readonly #context: TraceContext;
  readonly #onEnd: (trace: PassThroughTrace) => void;

  constructor(context: TraceContext, onEnd: (trace: PassThroughTrace) => void) {
    super();
    this.#context = context;
    this.#onEnd = onEnd;
  }

  override visit(): RequestTrace {
    return new PassThroughTrace(this.#context, () => {});
  }

  override inject(carrier: ContextCarrier): void {
    const { traceparent, tracestate } = this.#context;
    carrier.set(ContextHeader.traceparent, traceparent);
    if (tracestate !== undefined) carrier.set(ContextHeader.tracestate, tracestate);
  }

  override finish(): void {
    this.#onEnd(this);
  }

  override abort(): void {
    this.#onEnd(this);
  }
}
