import type { WorkerId } from '@sliceway/protocol';

/** This gateway's running requests by worker: fresher than heartbeats, blind to other gateways. */
export class InFlight {
  readonly #counts = new Map<WorkerId, number>();

  of(instance: WorkerId): number {
    return this.#counts.get(instance) ?? 0;
  }

  add(instance: WorkerId): void {
    this.#counts.set(instance, this.of(instance) + 1);
  }

  remove(instance: WorkerId): void {
    const left = this.of(instance) - 1;
    if (left > 0) this.#counts.set(instance, left);
    else this.#counts.delete(instance);
  }

  get workers(): number {
    return this.#counts.size;
  }
}
