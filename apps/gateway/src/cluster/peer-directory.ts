import type { Heartbeat, Serves, WorkerRole } from '@sliceway/protocol';
import type { PeerRegistry } from '@sliceway/service';
import type { Worker, WorkerDirectory } from '../routing/worker-directory.js';

/** Workers by their heartbeats. */
export class PeerDirectory implements WorkerDirectory {
  readonly #peers: PeerRegistry;

  constructor(peers: PeerRegistry) {
    this.#peers = peers;
  }

  ready(role: WorkerRole): Worker[] {
    return this.#peers.list(role).filter(servesModel);
  }
}

function servesModel(beat: Heartbeat): beat is Heartbeat & { readonly serves: Serves } {
  return beat.serves !== null;
}
