import { GREEDY } from '../sampling/sampling-params.js';
import type { SchedulerLimits } from './scheduler-limits.js';
import type { SequenceKind, SequenceRequest } from './sequence.js';

/** Repeatable choices: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** [0, 1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)];
  }
}

/** Small ones, so that pages, places and the queue run out all the time. */
export function randomLimits(random: Random): SchedulerLimits {
  const maxRunning = 1 + random.below(6);
  return {
    pageTokens: 1 + random.below(5),
    maxRunning,
    contextLength: 10 + random.below(50),
    batchTokens: maxRunning + random.below(random.chance(0.5) ? 3 : 16),
    maxQueued: 2 + random.below(8),
    eosTokenIds: [1, 2],
  };
}

/** One in twenty is refused for what it is. */
export function randomRequest(
  random: Random,
  id: string,
  kind: SequenceKind,
  maxTokens: number,
  maxRunning: number,
): SequenceRequest {
  const promptTokens = random.chance(0.03) ? 0 : 1 + random.below(random.chance(0.03) ? maxTokens + 5 : maxTokens - 1);
  const maxNewTokens = 1 + random.below(30);
  return {
    id,
    kind,
    // Of few different tokens, so that many prompts begin alike.
    promptIds: Array.from({ length: promptTokens }, () => 1 + random.below(3)),
    firstChoice: random.below(3),
    choices: random.chance(0.5) ? 1 : 1 + random.below(maxRunning + (random.chance(0.1) ? 1 : 0)),
    sampling: {
      ...GREEDY,
      maxNewTokens,
      seed: random.below(5),
      minTokens: random.chance(0.5) ? 0 : random.below(maxNewTokens + 3),
      stopTokenIds: random.chance(0.5) ? [] : [3],
      ignoreEos: random.chance(0.3),
      presencePenalty: random.chance(0.7) ? 0 : 0.5,
      repetitionPenalty: random.chance(0.8) ? 1 : 1.25,
      logprobs: random.chance(0.7) ? null : 0,
    },
  };
}
