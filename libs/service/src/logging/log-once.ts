import type { Logger } from './logger.js';

/** What is dropped, by kind. */
export type DroppedKind = 'event' | 'frame' | 'json' | 'message' | 'subscription' | 'unsent_message';

/** Every so many faults of a kind one is logged. */
const LOG_EVERY = 1000;

/** Counts what has to be dropped, and logs the first of a kind and every thousandth: bad input must not fill the disk. */
export class LogOnce {
  readonly #counts = new Map<DroppedKind, number>();

  constructor(private readonly logger: Logger) {}

  /** Since the start, by kind. */
  get counts(): ReadonlyMap<DroppedKind, number> {
    return this.#counts;
  }

  warn(kind: DroppedKind, error: unknown, fields: object = {}): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count % LOG_EVERY === 1) this.logger.warn({ kind, count, error, ...fields }, 'dropped');
  }
}
