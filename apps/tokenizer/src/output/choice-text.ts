import { TextOutput, type TokenBytes } from '@sliceway/model';
import {
  FinishReason,
  type TextEntry,
  type TextLogprobs,
  type TokenEntry,
  type TokenLogprobs,
} from '@sliceway/protocol';

/** What a choice has to know of tokens. */
export interface TokenTexts extends TokenBytes {
  /** As `tokenBytes`; those of a special token are its text. */
  visibleBytes(id: number): Uint8Array;
}

/** Turns the entries of one choice, in their order, into text: up to a stop string, never half a character. */
export class ChoiceText {
  readonly #tokens: TokenTexts;
  readonly #output: TextOutput;

  /** @throws RangeError for an empty stop string */
  constructor(tokens: TokenTexts, stop: readonly string[]) {
    this.#tokens = tokens;
    this.#output = new TextOutput(tokens, stop);
  }

  /**
   * The entry's text, the tokens that it was made of and their log probabilities: those after a stop string are left out.
   * A token that ends the choice (`stop`) gives no text itself, and has no log probability here.
   *
   * @throws RangeError for a token outside the vocabulary
   */
  take(entry: TokenEntry): TextEntry {
    const { finish, tokens } = entry;
    const isStopToken = finish === FinishReason.stop && tokens.length > 0;
    const textTokens = isStopToken ? tokens.length - 1 : tokens.length;
    let text = '';
    for (let i = 0; i < textTokens; i++) {
      const result = this.#output.push(tokens[i]!);
      text += result.text;
      if (result.matched === undefined) continue;
      return this.#textEntry(entry, tokens.slice(0, i + 1), i + 1, text, FinishReason.stop, result.matched);
    }
    if (finish === FinishReason.none) return this.#textEntry(entry, tokens, textTokens, text, finish, null);
    const tail = this.#output.end();
    text += tail.text;
    if (tail.matched !== undefined) {
      return this.#textEntry(entry, tokens, textTokens, text, FinishReason.stop, tail.matched);
    }
    return this.#textEntry(entry, tokens, textTokens, text, finish, isStopToken ? tokens.at(-1)! : null);
  }

  #textEntry(
    { rid, choice, attempt, index, logprobs }: TokenEntry,
    tokens: readonly number[],
    textTokens: number,
    text: string,
    finish: FinishReason,
    matchedStop: string | number | null,
  ): TextEntry {
    const withBytes = logprobs && this.#withBytes(logprobs, tokens, textTokens);
    return { rid, choice, attempt, finish, index, tokens, text, matchedStop, logprobs: withBytes };
  }

  #withBytes(logprobs: readonly TokenLogprobs[], tokens: readonly number[], count: number): TextLogprobs[] {
    return logprobs.slice(0, count).map(({ logprob, top }, i) => ({
      bytes: this.#tokens.visibleBytes(tokens[i]!),
      logprob,
      top: top.map((one) => ({ ...one, bytes: this.#tokens.visibleBytes(one.token) })),
    }));
  }
}
