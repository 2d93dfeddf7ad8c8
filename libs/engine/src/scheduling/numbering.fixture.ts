import type { ScheduledBatch } from './batch-builder.js';
import { check } from './invariants.fixture.js';
import type { Sequence } from './sequence.js';

/** Watches that a number always means one line of KV, written from where it ended before. */
export class Numbering {
  readonly #owners = new Map<number, Sequence>();
  readonly #numbers = new Map<Sequence, number>();
  readonly #ends = new Map<number, number>();

  watch({ forward, sequences, retracted }: ScheduledBatch): void {
    for (const sequence of retracted) this.#numbers.delete(sequence);
    forward.runs.forEach(({ sequence: uid, position, tokens }, i) => {
      const sequence = sequences[i]!;
      check((this.#owners.get(uid) ?? sequence) === sequence, `number ${uid} was another sequence's`);
      check((this.#numbers.get(sequence) ?? uid) === uid, `a sequence changed its number to ${uid}`);
      if (this.#numbers.has(sequence)) check(this.#ends.get(uid) === position, `number ${uid} goes on at ${position}`);
      else check(!this.#owners.has(uid), `number ${uid} is used again`);
      this.#owners.set(uid, sequence);
      this.#numbers.set(sequence, uid);
      this.#ends.set(uid, position + tokens);
    });
  }
}
