const BLOCK = 64;

/** Ids of tokens in ascending order, and which of them come first by logit, the lower id first among equals. */
export class Likeliest {
  /** Those in use are ids[0, count). */
  readonly ids: Uint32Array;
  count = 0;
  readonly #ranked: Uint32Array;
  readonly #maxima: Float32Array;

  constructor(vocabSize: number) {
    this.ids = new Uint32Array(vocabSize);
    this.#ranked = new Uint32Array(vocabSize);
    this.#maxima = new Float32Array(Math.ceil(vocabSize / BLOCK));
  }

  /** Holds the `wanted` likeliest of all tokens. */
  takeTop(logits: Float32Array, wanted: number): void {
    const { ids } = this;
    const maxima = this.#maxima;
    let count = 0;
    if (wanted > maxima.length) {
      // NaN has no place in the order.
      for (let id = 0; id < logits.length; id++) if (logits[id]! >= -Infinity) ids[count++] = id;
    } else {
      const lowest = this.#lowerBound(logits, wanted);
      for (let block = 0; block < maxima.length; block++) {
        if (maxima[block]! < lowest) continue;
        const end = Math.min((block + 1) * BLOCK, logits.length);
        for (let id = block * BLOCK; id < end; id++) if (logits[id]! >= lowest) ids[count++] = id;
      }
    }
    this.count = count;
    this.keepReaching(logits, null, wanted);
  }

  /** Keeps the fewest likeliest whose weights, by id, reach `wanted`; without weights, so many of them. */
  keepReaching(logits: Float32Array, weights: Float64Array | null, wanted: number): void {
    const { ids, count } = this;
    if (count === 0 || (!weights && count <= wanted)) return;
    for (let i = 0; i < count; i++) this.#ranked[i] = ids[i]!;
    const last = lastNeeded(this.#ranked, count, logits, weights, wanted);
    const lowest = logits[last]!;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const logit = logits[id]!;
      if (logit > lowest || (logit === lowest && id <= last)) ids[kept++] = id;
    }
    this.count = kept;
  }

  /** At least `wanted` logits, at most one for each block, are at or above it: so many blocks have such a maximum. */
  #lowerBound(logits: Float32Array, wanted: number): number {
    const maxima = this.#maxima;
    for (let block = 0, i = 0; block < maxima.length; block++) {
      const end = Math.min(i + BLOCK, logits.length);
      let highest = -Infinity;
      for (; i < end; i++) {
        const logit = logits[i]!;
        if (logit > highest) highest = logit;
      }
      maxima[block] = highest;
      this.#ranked[block] = block;
    }
    return maxima[lastNeeded(this.#ranked, maxima.length, maxima, null, wanted)]!;
  }
}

/** The last of the fewest likeliest among ids[0, count) whose weights (each 1 if null) reach `wanted`: quickselect. */
function lastNeeded(
  ids: Uint32Array,
  count: number,
  logits: Float32Array,
  weights: Float64Array | null,
  wanted: number,
): number {
  let pivot = ids[0]!;
  let reached = 0;
  for (let from = 0, to = count; from < to;) {
    const last = to - 1;
    const at = medianOfThree(ids, from, (from + last) >> 1, last, logits);
    pivot = ids[at]!;
    ids[at] = ids[last]!;
    const pivotLogit = logits[pivot]!;
    let next = from;
    let sum = 0;
    for (let i = from; i < last; i++) {
      const id = ids[i]!;
      const logit = logits[id]!;
      if (logit > pivotLogit || (logit === pivotLogit && id < pivot)) {
        ids[i] = ids[next]!;
        ids[next++] = id;
        sum += weights ? weights[id]! : 1;
      }
    }
    if (reached + sum >= wanted) {
      to = next;
      continue;
    }
    reached += sum + (weights ? weights[pivot]! : 1);
    if (reached >= wanted) break;
    ids[last] = ids[next]!;
    from = next + 1;
  }
  // Where rounding, or too little weight, ended the search, the last pivot came last of all that were left.
  return pivot;
}

function medianOfThree(ids: Uint32Array, a: number, b: number, c: number, logits: Float32Array): number {
  const x = logits[ids[a]!]!;
  const y = logits[ids[b]!]!;
  const z = logits[ids[c]!]!;
  if (x < y) return y < z ? b : x < z ? c : a;
  return x < z ? a : y < z ? c : b;
}
