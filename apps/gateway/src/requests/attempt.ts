import { randomBytes } from 'node:crypto';
import { Role, type Room, type TextEntry, type WorkerId, type WorkerRole } from '@sliceway/protocol';
import type { InFlight } from '../routing/in-flight.js';
import { ChoiceProgress } from './choice-progress.js';

/** A worker that holds something of the request. */
export interface Party {
  readonly role: WorkerRole;
  readonly instance: WorkerId;
}

/** One try to answer a request: who takes part in it, under which room, and what has come of it. */
export class Attempt {
  /** Of the model that computes the answer; empty until a pair is chosen. */
  fingerprint = '';
  /** Whether the sink knows of it. */
  opened = false;
  /** Whether a stop string ended a choice, of which its workers do not know. */
  stopMatched = false;
  readonly choices: readonly ChoiceProgress[];
  readonly #parties: Party[] = [];
  readonly #over = new AbortController();
  #handedOver = false;

  constructor(
    /** From 0; what carries another number belongs to another try. */
    readonly number: number,
    readonly room: Room,
    choices: number,
    private readonly inFlight: InFlight,
  ) {
    this.choices = Array.from({ length: choices }, () => new ChoiceProgress());
  }

  /** The next try: with all workers still to be chosen. */
  next(): Attempt {
    return new Attempt(this.number + 1, randomBytes(8).toString('hex'), this.choices.length, this.inFlight);
  }

  get finished(): boolean {
    return this.choices.every(({ finished }) => finished);
  }

  get completionTokens(): number {
    return this.choices.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  }

  get parties(): readonly Party[] {
    return this.#parties;
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Another attempt has taken its place, or the request has ended. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Whether decode has the whole KV, so that the answer no longer depends on prefill. */
  get handedOver(): boolean {
    return this.#handedOver;
  }

  join(role: WorkerRole, instance: WorkerId): void {
    this.#parties.push({ role, instance });
    this.inFlight.add(instance);
  }

  /** The choice that some text belongs to; null where it comes too late. */
  openChoice({ attempt, choice }: TextEntry): ChoiceProgress | null {
    if (this.isOver || attempt !== this.number) return null;
    const open = this.choices[choice];
    return open === undefined || open.finished ? null : open;
  }

  take(choice: ChoiceProgress, tokens: readonly number[]): void {
    choice.append(tokens);
    // Token 0 is prefill's, every later one decode's.
    if (choice.tokenIds.length > 1) this.#handOver();
  }

  #handOver(): void {
    if (this.#handedOver) return;
    this.#handedOver = true;
    const prefill = this.instance(Role.prefill);
    if (prefill !== null) this.inFlight.remove(prefill);
  }

  /** It is over: its workers are free of it. */
  leave(): void {
    this.#over.abort();
    for (const { role, instance } of this.#parties) if (this.dependsOn(role, instance)) this.inFlight.remove(instance);
  }

  dependsOn(role: WorkerRole, instance: WorkerId): boolean {
    if (role === Role.prefill && this.#handedOver) return false;
    return this.#parties.some((party) => party.role === role && party.instance === instance);
  }

  instance(role: WorkerRole): WorkerId | null {
    return this.#parties.find((party) => party.role === role)?.instance ?? null;
  }
}
