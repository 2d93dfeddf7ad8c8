/** The connections of a service, by purpose: it is ready only while all are up. */
export class ConnectionHealth {
  readonly #down = new Set<string>(['frames', 'handlers', 'messages']);

  constructor(private readonly servers: string) {}

  set(purpose: 'frames' | 'handlers' | 'messages', isUp: boolean): void {
    if (isUp) this.#down.delete(purpose);
    else this.#down.add(purpose);
  }

  /** A readiness check. */
  reason(): string | undefined {
    if (this.#down.size === 0) return undefined;
    return `no connection to NATS at ${this.servers} for ${[...this.#down].sort().join(', ')}`;
  }
}
