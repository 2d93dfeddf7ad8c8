import { uniformNoise } from './noise.js';
import type { SamplingSpec } from './sampling.js';

/** Draws one token from a row of logits. Among equal logits the lower id wins. Not reentrant: it reuses its scratch. */
export class Sampler {
  readonly #weights: Float64Array;
  readonly #order: Uint32Array;

  constructor(vocabSize: number) {
    this.#weights = new Float64Array(vocabSize);
    this.#order = new Uint32Array(vocabSize);
  }

  /** @param logits [vocab] */
  sample(logits: Float32Array, spec: SamplingSpec): number {
    const best = argmax(logits);
    if (spec.temperature === 0 || spec.topK === 1) return best;
    const highest = logits[best]!;
    const weights = this.#weights;
    let total = 0;
    for (let i = 0; i < logits.length; i++) total += weights[i] = Math.exp((logits[i]! - highest) / spec.temperature);
    const noise = uniformNoise(spec.seed, spec.choice, spec.index);
    if (spec.topP >= 1 && spec.topK === 0) return pick(weights, noise * total, best);
    return this.#sampleNucleus(total, noise, spec);
  }

  /** Keeps the topK likeliest, then the fewest of them whose share of all that top-k kept reaches topP, then draws. */
  #sampleNucleus(total: number, noise: number, spec: SamplingSpec): number {
    const weights = this.#weights;
    const limit = spec.topK > 0 ? Math.min(spec.topK, weights.length) : weights.length;
    const heap = new LikeliestFirst(weights, this.#order);
    const order: number[] = [];
    if (spec.topK > 0) {
      total = 0;
      while (order.length < limit) {
        order.push(heap.pop());
        total += weights[order[order.length - 1]!]!;
      }
    }
    let kept = 0;
    let sum = 0;
    while (kept < limit && (kept === 0 || sum < spec.topP * total)) {
      if (kept === order.length) order.push(heap.pop());
      sum += weights[order[kept++]!]!;
    }
    let left = noise * sum;
    for (let i = 0; i < kept; i++) {
      left -= weights[order[i]!]!;
      if (left < 0) return order[i]!;
    }
    return order[kept - 1]!;
  }
}

/** Id of the largest value; the first of equal ones. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function pick(weights: Float64Array, left: number, fallback: number): number {
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return fallback;
}

/** A binary heap over all ids: building it is linear, and a nucleus takes few of them. */
class LikeliestFirst {
  #size: number;

  constructor(
    private readonly weights: Float64Array,
    private readonly heap: Uint32Array,
  ) {
    this.#size = weights.length;
    for (let i = 0; i < this.#size; i++) heap[i] = i;
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  pop(): number {
    const top = this.heap[0]!;
    this.heap[0] = this.heap[--this.#size]!;
    this.#sink(0);
    return top;
  }

  #before(a: number, b: number): boolean {
    const difference = this.weights[a]! - this.weights[b]!;
    return difference > 0 || (difference === 0 && a < b);
  }

  #sink(at: number): void {
    const { heap } = this;
    const id = heap[at]!;
    for (let child = 2 * at + 1; child < this.#size; child = 2 * at + 1) {
      if (child + 1 < this.#size && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, id)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = id;
  }
}
