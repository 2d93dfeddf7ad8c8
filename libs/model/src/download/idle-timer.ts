/** Aborts `signal` when nothing has called `touch` for the time it was given. */
export class IdleTimer {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the clock anew; `what` goes into the reason of an abort. */
  touch(timeoutMs: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`${what} within ${timeoutMs / 1000} s`));
    }, timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
