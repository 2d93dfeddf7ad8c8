import type { TextLogprobs } from '@sliceway/protocol';
import type { ApiError } from './api-error.js';

/** Why a choice ended, in OpenAI's words. */
export type ChoiceEnd = 'stop' | 'length';

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What one text entry brings of a choice. */
export interface TextPiece {
  /** May be empty: a token's bytes can wait for those of the next one. */
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** One a token that has text (a token that ends the choice has none); null where none were asked for. */
  readonly logprobs: readonly TextLogprobs[] | null;
}

/**
 * Where the choices of one prompt go. Calls come in this order: `promptReady`, `open`, any number of `text`, and per
 * choice one `finish`, then `end`; `fail` or `drop` may come instead of any of them and is the last one. As long as
 * `hasSent` is false, another attempt may begin again with `promptReady`: what came before it is forgotten.
 */
export interface CompletionSink {
  /** Something of this prompt's choices has left for the client, so that no other attempt can replace it. */
  readonly hasSent: boolean;
  /** @param promptText null where the request does without */
  promptReady(promptIds: readonly number[], promptText: string | null): void;
  /** @param fingerprint of the model that computes the answer */
  open(fingerprint: string): void;
  /** @returns false if the client has fallen too far behind */
  text(choice: number, piece: TextPiece): boolean;
  /** @param matchedStop the stop string or the token that ended it; null at a limit */
  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null): void;
  end(usage: Usage): void;
  /** Tells the client; as a status while nothing has been sent. */
  fail(error: ApiError): void;
  /** Lets go of a client that is gone or does not read. */
  drop(): void;
}
