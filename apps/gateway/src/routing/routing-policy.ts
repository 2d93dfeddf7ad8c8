import type { Worker } from './worker-directory.js';

export const RoutingPolicyName = { roundRobin: 'round_robin', powerOfTwo: 'power_of_two' } as const;
export type RoutingPolicyName = (typeof RoutingPolicyName)[keyof typeof RoutingPolicyName];

/** Chooses one of several workers that could all do it; keeps its own state between choices. */
export interface RoutingPolicy {
  /** @param candidates at least one */
  pick(candidates: readonly Worker[]): Worker;
}

/** In turn, by instance, so that workers that come and go do not shift the order of the others. */
export class RoundRobin implements RoutingPolicy {
  #last = '';

  pick(candidates: readonly Worker[]): Worker {
    const ordered = [...candidates].sort((a, b) => (a.instance < b.instance ? -1 : 1));
    const next = ordered.find(({ instance }) => instance > this.#last) ?? (ordered[0] as Worker);
    this.#last = next.instance;
    return next;
  }
}

/**
 * The less loaded of two drawn at random: nearly as even as asking all, without every gateway running to the same idle
 * worker between two heartbeats (Mitzenmacher, 2001).
 */
export class PowerOfTwo implements RoutingPolicy {
  readonly #score: (worker: Worker) => number;
  readonly #random: () => number;

  /** @param score lower is better */
  constructor(score: (worker: Worker) => number, random: () => number = Math.random) {
    this.#score = score;
    this.#random = random;
  }

  pick(candidates: readonly Worker[]): Worker {
    const first = Math.floor(this.#random() * candidates.length);
    const a = candidates[first] as Worker;
    if (candidates.length === 1) return a;
    const skip = 1 + Math.floor(this.#random() * (candidates.length - 1));
    const b = candidates[(first + skip) % candidates.length] as Worker;
    return this.#score(b) < this.#score(a) ? b : a;
  }
}

export function createRoutingPolicy(name: RoutingPolicyName, score: (worker: Worker) => number): RoutingPolicy {
  return name === RoutingPolicyName.roundRobin ? new RoundRobin() : new PowerOfTwo(score);
}
