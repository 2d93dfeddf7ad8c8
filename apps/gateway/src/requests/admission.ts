import { draining, tooManyRequests } from '../openai/api-errors.js';

/** How many requests run at a time. Beyond that a client is told at once to come back, instead of waiting in a queue. */
export class Admission {
  readonly #maxConcurrent: number;
  #running = 0;
  #closed = false;

  constructor(maxConcurrent: number) {
    this.#maxConcurrent = maxConcurrent;
  }

  get running(): number {
    return this.#running;
  }

  /** Takes a slot; `leave` gives it back. @throws ApiError 429 when all are taken, 503 when closed */
  enter(): void {
    if (this.#closed) throw draining();
    if (this.#running >= this.#maxConcurrent) throw tooManyRequests(this.#maxConcurrent);
    this.#running += 1;
  }

  leave(): void {
    this.#running -= 1;
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#closed = true;
  }
}
