/** An async iterable that is pushed to; leaving the loop early calls `onLeave`. */
export class EventStream<T> implements AsyncIterableIterator<T> {
  readonly #events: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;

  constructor(private readonly onLeave: () => void) {}

  push(event: T): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** Ends the iteration after what was pushed, with an error if there is one. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<T>> {
    while (this.#events.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#events.length > 0) return { done: false, value: this.#events.shift()! };
    if (this.#error) throw this.#error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T>> {
    if (!this.#ended) this.onLeave();
    this.#ended = true;
    this.#events.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
