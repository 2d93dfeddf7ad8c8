import { subjects, WorkerState, type Heartbeat } from '@sliceway/protocol';
import type { ServiceConfig } from '../config/service.schema.js';
import { identity } from '../identity.config.js';
import type { MessageClient } from '../nats/message-client.js';
import type { ServiceStatus } from '../service-status.js';
import type { PeerRegistry } from './peer-registry.js';

/** How soon after its own last beat a process greets a newcomer: many newcomers at once cost one beat. */
const GREETING_DELAY_MS = 50;

/** Sends this service's heartbeats and watches for those that stop coming. */
export class Heartbeats {
  #timer: NodeJS.Timeout | undefined;
  #greeting: NodeJS.Timeout | undefined;
  #sequence = 0;

  constructor(
    private readonly config: ServiceConfig,
    private readonly status: ServiceStatus,
    private readonly peers: PeerRegistry,
    private readonly messages: MessageClient,
  ) {
    status.onChange(() => this.#timer && this.beat());
    peers.listen({ onJoined: ({ instance }) => this.#greet(instance) });
  }

  start(): void {
    const everyMs = this.config.SLICEWAY_HEARTBEAT_INTERVAL_MS;
    // After a pause of this process timers come first, and only then the beats that have waited to be read.
    this.#timer = setInterval(() => setImmediate(() => this.#tick(everyMs)), everyMs);
    this.beat();
  }

  /** Stops; a `stopped` status has been announced before. */
  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#greeting);
    this.#timer = undefined;
  }

  beat(): void {
    const beat: Heartbeat = {
      role: this.status.role,
      instance: identity.instance,
      sequence: this.#sequence++,
      state:
        this.status.state === WorkerState.ready && this.status.unreadyReasons().length > 0
          ? WorkerState.starting
          : this.status.state,
      intervalMs: this.config.SLICEWAY_HEARTBEAT_INTERVAL_MS,
      host: identity.host,
      pid: identity.pid,
      startedAtMs: identity.startedAtMs,
      load: this.status.load(),
      serves: this.status.serves,
    };
    this.messages.emit(subjects.heartbeat, beat);
  }

  #tick(everyMs: number): void {
    if (!this.#timer) return;
    this.peers.expire(everyMs);
    this.beat();
  }

  /** A newcomer hears of this service at once, not after an interval. */
  #greet(newcomer: string): void {
    if (newcomer === identity.instance || this.#greeting || !this.#timer) return;
    this.#greeting = setTimeout(() => {
      this.#greeting = undefined;
      this.beat();
    }, GREETING_DELAY_MS);
  }
}
