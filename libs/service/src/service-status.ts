import { WorkerState, type Load, type Role, type Serves } from '@sliceway/protocol';

export const NO_LOAD: Load = {
  running: 0,
  waiting: 0,
  queuedTokens: 0,
  kvPagesUsed: 0,
  kvPagesTotal: 0,
  maxRunning: 0,
};

/** Says why the service cannot serve now, or undefined when this part can. */
export type ReadinessCheck = () => string | undefined;

/** What a service says of itself: in heartbeats, to probes, and when it drains. The app fills it in. */
export class ServiceStatus {
  state: WorkerState = WorkerState.starting;
  serves: Serves | null = null;
  load: () => Load = () => NO_LOAD;
  /** Requests under way: a drain waits until there are none. */
  activeRequests: () => number = () => 0;
  readonly #checks: ReadinessCheck[] = [];
  readonly #listeners: (() => void)[] = [];

  constructor(readonly role: Role) {}

  addReadinessCheck(check: ReadinessCheck): void {
    this.#checks.push(check);
  }

  /** It takes no new work: what still comes belongs elsewhere. */
  get isEnding(): boolean {
    return this.state === WorkerState.draining || this.state === WorkerState.stopped;
  }

  /** Called after each change of state. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  become(state: WorkerState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.#listeners) listener();
  }

  /** Why it is not ready; empty when it is. */
  unreadyReasons(): string[] {
    const reasons = this.#checks.map((check) => check()).filter((reason) => reason !== undefined);
    return this.state === WorkerState.ready ? reasons : [`the service is ${this.state}`, ...reasons];
  }
}
