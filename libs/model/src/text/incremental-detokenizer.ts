import { StringDecoder } from 'node:string_decoder';

/** The bytes of each token; a {@link Tokenizer} is one. */
export interface TokenBytes {
  /** None for special tokens. */
  tokenBytes(id: number): Uint8Array;
}

/**
 * Turns the tokens of one sequence into text as they come. A character appears when its last byte has; what is no UTF-8
 * becomes U+FFFD as in WHATWG's decoder. The texts of all pushes and the flush are the text of all bytes together.
 */
export class IncrementalDetokenizer {
  readonly #decoder = new StringDecoder('utf8');

  constructor(private readonly tokens: TokenBytes) {}

  /** Returns the text that the token completes; empty for special tokens and within a character. */
  push(token: number): string {
    return this.#decoder.write(this.tokens.tokenBytes(token));
  }

  /** Ends the text: U+FFFD if a character is incomplete, else nothing. The next push begins a new text. */
  flush(): string {
    return this.#decoder.end();
  }
}
