import { WORKER_ROLES, type Heartbeat, type Serves, type WorkerId, type WorkerRole } from '@sliceway/protocol';
import type { PeerRegistry } from '@sliceway/service';
import type { Worker, WorkerDirectory } from '../routing/worker-directory.js';
import type { BrokerListener } from './broker-watch.js';

/**
 * Workers by their heartbeats. After nats-server was away each has to be heard again, since it may not be back yet; this
 * gateway, too: its own heartbeat comes back when its other connections are.
 */
export class PeerDirectory implements WorkerDirectory, BrokerListener {
  readonly #peers: PeerRegistry;
  readonly #self: WorkerId;
  readonly #unheard = new Set<WorkerId>();
  #isOffline = false;

  constructor(peers: PeerRegistry, self: WorkerId) {
    this.#peers = peers;
    this.#self = self;
    const heard = ({ instance }: Heartbeat): void => void this.#unheard.delete(instance);
    peers.listen({ onJoined: heard, onUpdated: heard, onGone: heard });
  }

  ready(role: WorkerRole): Worker[] {
    if (this.#isOffline || this.#unheard.has(this.#self)) return [];
    return this.#peers
      .list(role)
      .filter(({ instance }) => !this.#unheard.has(instance))
      .filter(servesModel);
  }

  onBrokerLost(): void {
    this.#isOffline = true;
    this.#unheard.add(this.#self);
    for (const role of WORKER_ROLES) {
      for (const { instance } of this.#peers.list(role, null)) this.#unheard.add(instance);
    }
  }

  onBrokerBack(): void {
    this.#isOffline = false;
  }
}

function servesModel(beat: Heartbeat): beat is Heartbeat & { readonly serves: Serves } {
  return beat.serves !== null;
}
