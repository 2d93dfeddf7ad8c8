import type { RequestLimits } from './lifecycle-parts.js';

export interface TimeoutListener {
  onDeadline(): void;
  onStall(): void;
}

/** The time that a request has: until its end from the start, and until the next token from the first one. */
export class RequestTimers {
  /** Epoch milliseconds. */
  readonly deadlineMs: number;
  readonly #stallTimeoutMs: number;
  readonly #listener: TimeoutListener;
  readonly #deadline: NodeJS.Timeout;
  #stall: NodeJS.Timeout | null = null;

  constructor({ timeoutMs, stallTimeoutMs }: RequestLimits, listener: TimeoutListener) {
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#listener = listener;
    this.deadlineMs = Date.now() + timeoutMs;
    this.#deadline = setTimeout(() => listener.onDeadline(), timeoutMs);
  }

  /** The next one may take as long as any. */
  tokenCame(): void {
    if (this.#stall === null) this.#stall = setTimeout(() => this.#listener.onStall(), this.#stallTimeoutMs);
    else this.#stall.refresh();
  }

  /** Another attempt begins: its first token is as far as the deadline. */
  expectNoToken(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
  }

  stop(): void {
    clearTimeout(this.#deadline);
    this.expectNoToken();
  }
}
