import { Role, type Room, type WorkerId, type WorkerRole } from '@sliceway/protocol';

/** A worker that holds something of the request. */
export interface Party {
  readonly role: WorkerRole;
  readonly instance: WorkerId;
}

/** One try to answer a request: who takes part in it, under which room. */
export class Attempt {
  readonly #parties: Party[] = [];
  #handedOver = false;

  constructor(
    /** From 0; what carries another number belongs to another try. */
    readonly number: number,
    readonly room: Room,
  ) {}

  get parties(): readonly Party[] {
    return this.#parties;
  }

  /** Whether decode has the whole KV, so that the answer no longer depends on prefill. */
  get handedOver(): boolean {
    return this.#handedOver;
  }

  join(role: WorkerRole, instance: WorkerId): void {
    this.#parties.push({ role, instance });
  }

  handOver(): void {
    this.#handedOver = true;
  }

  dependsOn(role: WorkerRole, instance: WorkerId): boolean {
    if (role === Role.prefill && this.#handedOver) return false;
    return this.#parties.some((party) => party.role === role && party.instance === instance);
  }

  instance(role: WorkerRole): WorkerId | null {
    return this.#parties.find((party) => party.role === role)?.instance ?? null;
  }
}
