import type { WorkerId } from './ids.js';

/**
 * What a sequence number says: the next one, one that was seen, or one after `lost` frames that were not; with `wasAway`,
 * that is the first one since the receiver was away, when those may have passed it by.
 */
export type Arrival = 'ok' | 'duplicate' | { readonly lost: number; readonly wasAway?: true };

const HALF = 2 ** 31;
/** A number this far behind is a frame seen before; further behind, the sender has begun again. */
const DUPLICATE_WINDOW = 64;
const DEFAULT_MAX_SENDERS = 4096;

/**
 * Finds gaps and duplicates in each sender's stream of token or text frames (u32, from 0, wrapping).
 *
 * A stream begins with 0, also again after a restart of its sender under the same instance. Holds at most `maxSenders`
 * streams; the one silent for longest is forgotten, and its next frame then counts as lost ones: an error in the safe
 * direction.
 */
export class SequenceTracker {
  #expected = new Map<WorkerId, number>();
  /** Streams as they were before the receiver was away; null if it never was. */
  #older: Map<WorkerId, number> | null = null;

  constructor(readonly maxSenders: number = DEFAULT_MAX_SENDERS) {}

  get size(): number {
    return this.#expected.size;
  }

  accept(sender: WorkerId, seq: number): Arrival {
    const expected = this.#expected.get(sender);
    if (expected !== undefined) return this.#compare(sender, seq, expected);
    const older = this.#older?.get(sender);
    const arrival = older === undefined ? this.#start(sender, seq) : this.#compare(sender, seq, older);
    return this.#older !== null && typeof arrival === 'object' ? { ...arrival, wasAway: true } : arrival;
  }

  /** The receiver is back: what was sent while it was away has passed it by. */
  resume(): void {
    this.#older = this.#expected;
    this.#expected = new Map();
  }

  /** The sender is gone; its stream begins with 0 when it comes back. */
  forget(sender: WorkerId): void {
    this.#expected.delete(sender);
    this.#older?.delete(sender);
  }

  #compare(sender: WorkerId, seq: number, expected: number): Arrival {
    const ahead = (seq - expected) >>> 0;
    if (ahead < HALF) {
      this.#expect(sender, seq);
      return ahead === 0 ? 'ok' : { lost: ahead };
    }
    const behind = (expected - seq) >>> 0;
    return seq !== 0 && behind <= DUPLICATE_WINDOW ? 'duplicate' : this.#start(sender, seq);
  }

  #start(sender: WorkerId, seq: number): Arrival {
    this.#expect(sender, seq);
    return seq === 0 ? 'ok' : { lost: seq };
  }

  #expect(sender: WorkerId, seq: number): void {
    this.#expected.delete(sender);
    this.#expected.set(sender, (seq + 1) >>> 0);
    if (this.#expected.size > this.maxSenders) {
      for (const oldest of this.#expected.keys()) {
        this.#expected.delete(oldest);
        break;
      }
    }
  }
}
