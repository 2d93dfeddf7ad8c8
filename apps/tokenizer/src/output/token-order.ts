import { FinishReason, type TokenEntry } from '@sliceway/protocol';

/** Entries that may wait for one that they overtook: prefill's first token may lag behind so many of decode's steps. */
const MAX_EARLY = 256;

/** Puts the entries of one choice into the order of their index. */
export class TokenOrder {
  readonly #early: TokenEntry[] = [];
  #next = 0;

  /** Index of the token that comes next. */
  get next(): number {
    return this.#next;
  }

  /** Whether later tokens wait for that one. Meaningful once `shift` has returned undefined. */
  get waits(): boolean {
    return this.#early.length > 0;
  }

  /** @returns false if too many wait already */
  push(entry: TokenEntry): boolean {
    if (this.#early.length === MAX_EARLY) return false;
    this.#early.push(entry);
    return true;
  }

  /** The entry whose turn it is, without tokens that came before. */
  shift(): TokenEntry | undefined {
    for (let i = 0; i < this.#early.length;) {
      const entry = this.#early[i]!;
      if (entry.index > this.#next) {
        i++;
        continue;
      }
      this.#early.splice(i, 1);
      const unseen = this.#unseenOf(entry);
      if (unseen) {
        this.#next += unseen.tokens.length;
        return unseen;
      }
    }
    return undefined;
  }

  #unseenOf(entry: TokenEntry): TokenEntry | undefined {
    const seen = this.#next - entry.index;
    if (seen === 0) return entry;
    const isEnd = entry.finish !== FinishReason.none && seen === entry.tokens.length;
    if (seen >= entry.tokens.length && !isEnd) return undefined;
    const { tokens, logprobs } = entry;
    return { ...entry, index: this.#next, tokens: tokens.slice(seen), logprobs: logprobs && logprobs.slice(seen) };
  }
}
