import { TextOutput, type TokenBytes } from '@sliceway/model';
import { FinishReason, type TextEntry, type TokenEntry } from '@sliceway/protocol';

/** Turns the entries of one choice, in their order, into text: up to a stop string, never half a character. */
export class ChoiceText {
  readonly #output: TextOutput;

  /** @throws RangeError for an empty stop string */
  constructor(tokens: TokenBytes, stop: readonly string[]) {
    this.#output = new TextOutput(tokens, stop);
  }

  /**
   * The entry's text and the tokens that it was made of: those after a stop string are left out. A token that ends the
   * choice (`stop`) gives no text itself.
   *
   * @throws RangeError for a token outside the vocabulary
   */
  take({ rid, choice, attempt, finish, index, tokens }: TokenEntry): TextEntry {
    const isStopToken = finish === FinishReason.stop;
    const textTokens = isStopToken ? tokens.length - 1 : tokens.length;
    let text = '';
    for (let i = 0; i < textTokens; i++) {
      const result = this.#output.push(tokens[i]!);
      text += result.text;
      if (result.matched === undefined) continue;
      return stopped(text, result.matched, tokens.slice(0, i + 1));
    }
    if (finish === FinishReason.none) return { rid, choice, attempt, finish, index, tokens, text, matchedStop: null };
    const tail = this.#output.end();
    text += tail.text;
    if (tail.matched !== undefined) return stopped(text, tail.matched, tokens);
    const matchedStop = isStopToken ? (tokens.at(-1) ?? null) : null;
    return { rid, choice, attempt, finish, index, tokens, text, matchedStop };

    function stopped(before: string, matchedStop: string, used: readonly number[]): TextEntry {
      return { rid, choice, attempt, finish: FinishReason.stop, index, tokens: used, text: before, matchedStop };
    }
  }
}
