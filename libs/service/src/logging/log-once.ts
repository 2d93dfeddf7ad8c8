import type { Logger } from './logger.js';

/** Warns of the first fault of a kind, and of every thousandth after it: bad input must not fill the disk. */
export class LogOnce {
  readonly #counts = new Map<string, number>();

  constructor(private readonly logger: Logger) {}

  /** @param kind one of a fixed, small set */
  warn(kind: string, error: unknown): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count % 1000 === 1) this.logger.warn({ kind, count, error }, 'dropped what could not be read');
  }
}
