/** Counts references to a fixed number of KV pages. Who holds none has freed it. */
export class PagePool {
  readonly #references: Uint16Array;
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(readonly size: number) {
    this.#references = new Uint16Array(size);
    this.#free = new Int32Array(size);
    for (let i = 0; i < size; i++) this.#free[i] = size - 1 - i;
    this.#freeCount = size;
  }

  get free(): number {
    return this.#freeCount;
  }

  get used(): number {
    return this.size - this.#freeCount;
  }

  /** How many hold this page. */
  references(page: number): number {
    return this.#references[page]!;
  }

  /** A page with one reference, or -1 when none is free. */
  take(): number {
    if (this.#freeCount === 0) return -1;
    const page = this.#free[--this.#freeCount]!;
    this.#references[page] = 1;
    return page;
  }

  /** Adds a reference to a page in use. */
  share(page: number): void {
    this.#check(page);
    this.#references[page]!++;
  }

  /** Gives back one reference. */
  release(page: number): void {
    this.#check(page);
    if (--this.#references[page]! === 0) this.#free[this.#freeCount++] = page;
  }

  #check(page: number): void {
    if (!(this.#references[page]! > 0)) throw new RangeError(`page ${page} is not in use`);
  }
}
