import type { ApiError } from './api-error.js';

/** Why a choice ended, in OpenAI's words. */
export type ChoiceEnd = 'stop' | 'length';

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/**
 * Where an answer goes. Calls come in this order: `open`, any number of `text`, and per choice one `finish`, then `end`;
 * `fail` or `drop` may come instead of any of them and is the last one.
 */
export interface CompletionSink {
  /** @param fingerprint of the model that computes the answer */
  open(fingerprint: string): void;
  /** @returns false if the client has fallen too far behind */
  text(choice: number, text: string): boolean;
  finish(choice: number, end: ChoiceEnd): void;
  end(usage: Usage): void;
  /** Tells the client; as a status while nothing has been sent. */
  fail(error: ApiError): void;
  /** Lets go of a client that is gone or does not read. */
  drop(): void;
}
