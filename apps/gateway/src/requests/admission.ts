import { ApiError } from '../openai/api-error.js';
import { draining, tooManyRequests } from '../openai/api-errors.js';

export interface AdmissionLimits {
  /** Requests under way, those that wait included. */
  readonly maxConcurrent: number;
  /** Requests without a first token. */
  readonly maxQueued: () => number;
  /** Prompt and completion tokens of those. */
  readonly maxQueuedTokens: () => number;
}

/** A request's size in tokens. */
export interface TokenEstimate {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A request's place, from admission to its end. */
export interface Ticket {
  /** The prompt's length is known now. */
  tokenized(promptTokens: number): void;
  /** It has a token: it no longer waits. */
  started(): void;
  leave(): void;
}

/**
 * Who is let in. Workers are busy long before they are overrun: beyond a bounded queue a request would only wait,
 * so its client is told at once to come back. A queue that is empty takes any one HTTP request.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  #running = 0;
  #queued = 0;
  #queuedTokens = 0;
  #closed = false;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Requests under way. */
  get running(): number {
    return this.#running;
  }

  /** Of these, the ones that wait for their first token. */
  get queued(): number {
    return this.#queued;
  }

  get queuedTokens(): number {
    return this.#queuedTokens;
  }

  get maxQueued(): number {
    return this.#limits.maxQueued();
  }

  get maxQueuedTokens(): number {
    return this.#limits.maxQueuedTokens();
  }

  /** A place for each, or for none. @throws ApiError 429 when there is no room, 503 when closed */
  enter(estimates: readonly TokenEstimate[]): Ticket[] {
    const { maxConcurrent } = this.#limits;
    if (this.#closed) throw draining();
    if (this.#running + estimates.length > maxConcurrent) throw tooManyRequests(maxConcurrent);
    if (this.#queued > 0) this.#checkQueue(estimates);
    return estimates.map((estimate) => this.#ticket(estimate));
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#closed = true;
  }

  #checkQueue(estimates: readonly TokenEstimate[]): void {
    const tokens = estimates.reduce((sum, estimate) => sum + tokensOf(estimate), 0);
    if (this.#queued + estimates.length > this.maxQueued) throw queueFull(`${this.#queued} requests wait`);
    if (this.#queuedTokens + tokens > this.maxQueuedTokens) throw queueFull(`${this.#queuedTokens} tokens wait`);
  }

  #ticket({ promptTokens, completionTokens }: TokenEstimate): Ticket {
    let counted = promptTokens + completionTokens;
    let waits = true;
    let inside = true;
    this.#running += 1;
    this.#queued += 1;
    this.#queuedTokens += counted;
    const started = (): void => {
      if (!waits) return;
      waits = false;
      this.#queued -= 1;
      this.#queuedTokens -= counted;
    };
    return {
      started,
      tokenized: (exact) => {
        if (!waits) return;
        this.#queuedTokens += exact + completionTokens - counted;
        counted = exact + completionTokens;
      },
      leave: () => {
        if (!inside) return;
        inside = false;
        started();
        this.#running -= 1;
      },
    };
  }
}

const tokensOf = ({ promptTokens, completionTokens }: TokenEstimate): number => promptTokens + completionTokens;

function queueFull(what: string): ApiError {
  return new ApiError(429, `The service is busy: ${what} already. Please try again later.`, {
    code: 'queue_full',
    retryAfterSeconds: 1,
  });
}
