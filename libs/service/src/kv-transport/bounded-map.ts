interface Kept<V> {
  readonly value: V;
  readonly sinceMs: number;
}

/** Keeps the newest `maxSize` values for `ttlMs`. No timer: what has expired goes when something is set. */
export class BoundedMap<K, V> {
  readonly #kept = new Map<K, Kept<V>>();

  constructor(
    private readonly maxSize: number,
    private readonly ttlMs: number,
  ) {}

  set(key: K, value: V): void {
    const now = performance.now();
    this.#kept.delete(key);
    this.#kept.set(key, { value, sinceMs: now });
    for (const [oldest, { sinceMs }] of this.#kept) {
      if (this.#kept.size <= this.maxSize && now - sinceMs < this.ttlMs) return;
      this.#kept.delete(oldest);
    }
  }

  get(key: K): V | undefined {
    const kept = this.#kept.get(key);
    return kept && performance.now() - kept.sinceMs < this.ttlMs ? kept.value : undefined;
  }

  take(key: K): V | undefined {
    const value = this.get(key);
    this.#kept.delete(key);
    return value;
  }
}
