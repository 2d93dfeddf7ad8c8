import type { PagePool } from '../kv/page-pool.js';
import type { Sequence } from './sequence.js';

/** Gives sequences their pages and takes them back: one reference of the pool for each place in a page table. */
export class PageTables {
  constructor(
    private readonly pool: PagePool,
    private readonly pageTokens: number,
    private readonly copyPage: (from: number, to: number) => void,
  ) {}

  /** Tokens that the whole pool holds. */
  get capacityTokens(): number {
    return this.pool.size * this.pageTokens;
  }

  /** All the pages for a sequence's tokens, leaving `spare` free ones for others to grow; or none. */
  cover(sequence: Sequence, spare: number): boolean {
    const missing = this.#pagesFor(sequence.tokens.length) - sequence.pages.length;
    if (missing > 0 && missing + spare > this.pool.free) return false;
    for (let i = 0; i < missing; i++) sequence.pages.push(this.pool.take());
    return true;
  }

  /** The pages of a sequence's first `tokens` tokens. */
  table(sequence: Sequence, tokens: number): Int32Array {
    return new Int32Array(sequence.pages.slice(0, this.#pagesFor(tokens)));
  }

  /** Hands all KV of `from` to `to`, which has none. */
  move(from: Sequence, to: Sequence): void {
    to.pages.push(...from.pages.splice(0));
    to.computed = from.computed;
  }

  /** Gives `to`, which has none, the KV of `from`: its full pages, which nobody writes again, and a copy of the partial one; or nothing. */
  share(from: Sequence, to: Sequence): boolean {
    const fullPages = Math.floor(from.computed / this.pageTokens);
    const partial = from.computed % this.pageTokens > 0 ? this.pool.take() : undefined;
    if (partial === -1) return false;
    for (let p = 0; p < fullPages; p++) {
      this.pool.share(from.pages[p]!);
      to.pages.push(from.pages[p]!);
    }
    if (partial !== undefined) {
      this.copyPage(from.pages[fullPages]!, partial);
      to.pages.push(partial);
    }
    to.computed = from.computed;
    return true;
  }

  free(sequence: Sequence): void {
    for (const page of sequence.pages) this.pool.release(page);
    sequence.pages.length = 0;
    sequence.computed = 0;
  }

  #pagesFor(tokens: number): number {
    return Math.ceil(tokens / this.pageTokens);
  }
}
