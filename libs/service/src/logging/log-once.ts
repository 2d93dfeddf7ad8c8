import type { Logger } from './logger.js';

/** What is dropped, by kind. */
export type DroppedKind = 'duplicate' | 'event' | 'frame' | 'message' | 'subscription' | 'unsent_message';

export interface DroppedCount {
  readonly kind: DroppedKind;
  /** The last word of its subject (`leg`, `kv`, …), or empty. */
  readonly message: string;
  count: number;
}

/** Every so many faults of a kind one is logged. */
const LOG_EVERY = 1000;

/**
 * Counts what has to be dropped, and logs the first of a kind and message and every thousandth: bad input must not fill the
 * disk. Subjects are those of this service's own subscriptions, which are few.
 */
export class LogOnce {
  readonly #counts = new Map<string, DroppedCount>();

  constructor(private readonly logger: Logger) {}

  /** Since the start. */
  get counts(): Iterable<Readonly<DroppedCount>> {
    return this.#counts.values();
  }

  warn(kind: DroppedKind, error: unknown, fields: { readonly subject?: string } = {}): void {
    const { subject = '' } = fields;
    const message = subject.slice(subject.lastIndexOf('.') + 1);
    const key = `${kind} ${message}`;
    let counted = this.#counts.get(key);
    if (!counted) this.#counts.set(key, (counted = { kind, message, count: 0 }));
    const count = ++counted.count;
    if (count % LOG_EVERY === 1) this.logger.warn({ kind, count, error, ...fields }, 'dropped');
  }
}
