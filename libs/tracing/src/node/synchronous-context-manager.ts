import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

/**
 * OpenTelemetry's context for as long as a call runs, and in the events of emitters that are bound to it: not beyond an `await`. For
 * Node.js before 24, whose AsyncLocalStorage hooks every promise of the process.
 */
export class SynchronousContextManager extends AsyncLocalStorageContextManager {
  #active: Context = ROOT_CONTEXT;

  override active(): Context {
    return this.#active;
  }

  override with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context | null,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const outer = this.#active;
    this.#active = context ?? ROOT_CONTEXT;
    try {
      return fn.apply(thisArg, args);
    } finally {
      this.#active = outer;
    }
  }

  override enable(): this {
    return this;
  }

  override disable(): this {
    this.#active = ROOT_CONTEXT;
    return this;
  }
}
