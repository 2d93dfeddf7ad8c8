import type { WorkerId } from './ids.js';

const DEFAULT_MAX_RECEIVERS = 4096;

/**
 * Sequence numbers of the frames to each receiver (u32, from 0, wrapping). Holds at most `maxReceivers` streams; the one
 * silent for longest begins again with 0, which a `SequenceTracker` takes for a new stream.
 */
export class FrameCounter {
  readonly #next = new Map<WorkerId, number>();

  constructor(readonly maxReceivers: number = DEFAULT_MAX_RECEIVERS) {}

  get size(): number {
    return this.#next.size;
  }

  /** A copy: `next` reorders them. */
  get receivers(): WorkerId[] {
    return [...this.#next.keys()];
  }

  next(receiver: WorkerId): number {
    const seq = this.#next.get(receiver) ?? 0;
    this.#next.delete(receiver);
    this.#next.set(receiver, (seq + 1) >>> 0);
    if (this.#next.size > this.maxReceivers) {
      for (const oldest of this.#next.keys()) {
        this.#next.delete(oldest);
        break;
      }
    }
    return seq;
  }

  forget(receiver: WorkerId): void {
    this.#next.delete(receiver);
  }
}
