import { IncrementalDetokenizer, type TokenBytes } from './incremental-detokenizer.js';
import { StopStringMatcher, type StopResult } from './stop-string-matcher.js';

/** One sequence's tokens to text, up to a stop string. */
export class TextOutput {
  readonly #detokenizer: IncrementalDetokenizer;
  readonly #stops: StopStringMatcher;

  /** @throws RangeError for an empty stop string */
  constructor(tokens: TokenBytes, stop: readonly string[]) {
    this.#detokenizer = new IncrementalDetokenizer(tokens);
    this.#stops = new StopStringMatcher(stop);
  }

  /** @param last no token follows: what was held back comes, too */
  push(token: number, last: boolean): StopResult {
    const { text, matched } = this.#stops.push(this.#detokenizer.push(token));
    if (!last || matched !== undefined) return { text, matched };
    const tail = this.#stops.push(this.#detokenizer.flush());
    return { text: text + tail.text + (tail.matched === undefined ? this.#stops.flush() : ''), matched: tail.matched };
  }
}
