/** Marsaglia's xorshift32: the same numbers for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Cuts a sequence into parts of 0 to `maxLength` elements. */
  chunks<T extends { length: number; slice(start: number, end?: number): T }>(whole: T, maxLength: number): T[] {
    const parts: T[] = [];
    for (let at = 0; at < whole.length;) {
      const end = at + this.below(maxLength + 1);
      parts.push(whole.slice(at, end));
      at = end;
    }
    return parts;
  }
}
