import { IncrementalDetokenizer, type TokenBytes } from './incremental-detokenizer.js';
import { StopStringMatcher, type StopResult } from './stop-string-matcher.js';

/** One sequence's tokens to text: whole characters, up to a stop string. */
export class TextOutput {
  readonly #detokenizer: IncrementalDetokenizer;
  readonly #stops: StopStringMatcher;

  /** @throws RangeError for an empty stop string */
  constructor(tokens: TokenBytes, stop: readonly string[]) {
    this.#detokenizer = new IncrementalDetokenizer(tokens);
    this.#stops = new StopStringMatcher(stop);
  }

  /** What the token makes certain. @throws RangeError for a token outside the vocabulary */
  push(token: number): StopResult {
    return this.#stops.push(this.#detokenizer.push(token));
  }

  /** No token follows: what was held back. */
  end(): StopResult {
    const tail = this.#stops.push(this.#detokenizer.flush());
    return tail.matched === undefined ? { text: tail.text + this.#stops.flush(), matched: undefined } : tail;
  }
}
