/** A priority queue of numbers, the smallest first. */
export class NumberHeap {
  #values: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(Math.max(1, capacity));
  }

  get size(): number {
    return this.#size;
  }

  push(value: number): void {
    if (this.#size === this.#values.length) {
      const values = new Float64Array(2 * this.#size);
      values.set(this.#values);
      this.#values = values;
    }
    const values = this.#values;
    let i = this.#size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (values[parent]! <= value) break;
      values[i] = values[parent]!;
      i = parent;
    }
    values[i] = value;
  }

  /** Removes and returns the smallest; undefined if there is none. */
  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const values = this.#values;
    const top = values[0]!;
    const last = values[--this.#size]!;
    let i = 0;
    for (let child = 1; child < this.#size; child = 2 * i + 1) {
      if (child + 1 < this.#size && values[child + 1]! < values[child]!) child++;
      if (values[child]! >= last) break;
      values[i] = values[child]!;
      i = child;
    }
    values[i] = last;
    return top;
  }
}
