import { TextOutput, type TokenBytes } from '@sliceway/model';
import { FinishReason, type TextEntry, type TokenEntry } from '@sliceway/protocol';

/** Entries that may wait for one that they overtook. */
const MAX_EARLY = 256;

/** One choice's tokens in the order of their index, to text. */
export class ChoiceOutput {
  readonly #text: TextOutput;
  readonly #early = new Map<number, TokenEntry>();
  #next = 0;
  ended = false;

  constructor(tokens: TokenBytes, stop: readonly string[]) {
    this.#text = new TextOutput(tokens, stop);
  }

  /** Whether later tokens wait for an earlier one. */
  get waits(): boolean {
    return this.#early.size > 0;
  }

  /**
   * Takes an entry; calls `emit` with each that is in order now.
   * @returns false when too many wait: the missing token is lost
   */
  take(entry: TokenEntry, emit: (entry: TextEntry) => void): boolean {
    if (this.ended || entry.index < this.#next) return true;
    if (entry.index > this.#next) {
      this.#early.set(entry.index, entry);
      return this.#early.size <= MAX_EARLY;
    }
    for (let ready: TokenEntry | undefined = entry; ready && !this.ended; ready = this.#takeEarly())
      emit(this.#toText(ready));
    return true;
  }

  #takeEarly(): TokenEntry | undefined {
    const entry = this.#early.get(this.#next);
    this.#early.delete(this.#next);
    return entry;
  }

  #toText({ rid, choice, attempt, finish, index, tokens }: TokenEntry): TextEntry {
    let text = '';
    let matched: string | undefined;
    let used = 0;
    while (used < tokens.length && matched === undefined) {
      const result = this.#text.push(tokens[used++]!, finish !== FinishReason.none && used === tokens.length);
      text += result.text;
      matched = result.matched;
    }
    this.#next = index + used;
    const reason = matched === undefined ? finish : FinishReason.stop;
    this.ended = reason !== FinishReason.none;
    const taken = used === tokens.length ? tokens : tokens.slice(0, used);
    return { rid, choice, attempt, finish: reason, index, tokens: taken, text, matchedStop: matched ?? null };
  }
}
