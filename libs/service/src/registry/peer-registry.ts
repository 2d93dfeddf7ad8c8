import { WorkerState, type Heartbeat, type Role, type WorkerId } from '@sliceway/protocol';
import { identity } from '../identity.config.js';

/** Beats that a peer may miss before it counts as lost. */
const MISSED_BEATS = 3;
/**
 * What a peer sent before its goodbye may come after it, on another connection: it is given no work at once, but is gone
 * only after this time.
 */
const FAREWELL_MS = 2000;
/** Own beats come back in less than this many intervals, unless nats-server is away; when it is back, peers need a while to be. */
const OWN_SILENCE = 1.5;
const RECOVERY_MS = 2000;
/** More processes than any cluster has: whoever makes up instances cannot fill the memory. */
const MAX_PEERS = 4096;

interface Peer {
  readonly beat: Heartbeat;
  /** When the last beat came, on this process's monotonic clock. */
  seenMs: number;
}

export interface PeerListener {
  onJoined?(beat: Heartbeat): void;
  onUpdated?(beat: Heartbeat): void;
  /** It said goodbye a while ago, missed its beats, or came back as another process. */
  onGone?(beat: Heartbeat, reason: 'left' | 'lost' | 'restarted'): void;
}

/** Who else is in the cluster, from heartbeats. */
export class PeerRegistry {
  readonly #peers = new Map<WorkerId, Peer>();
  readonly #listeners = new Set<PeerListener>();
  #expiredMs: number;
  /** When own beats were last missing. */
  #brokerAwayMs = -Infinity;

  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly self: WorkerId = identity.instance,
  ) {
    this.#expiredMs = now();
  }

  listen(listener: PeerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get(instance: WorkerId): Heartbeat | undefined {
    return this.#peers.get(instance)?.beat;
  }

  /** Peers of a role: the ready ones, those in another state, or all (null) that have not said goodbye. */
  list(role: Role, state: WorkerState | null = WorkerState.ready): Heartbeat[] {
    const found: Heartbeat[] = [];
    for (const { beat } of this.#peers.values()) {
      const isWanted = state === null ? beat.state !== WorkerState.stopped : beat.state === state;
      if (beat.role === role && isWanted) found.push(beat);
    }
    return found;
  }

  take(beat: Heartbeat): void {
    const known = this.#peers.get(beat.instance);
    if (known && known.beat.startedAtMs > beat.startedAtMs) return;
    if (known && known.beat.startedAtMs === beat.startedAtMs && known.beat.sequence >= beat.sequence) return;
    if (known && known.beat.startedAtMs < beat.startedAtMs) this.#remove(known.beat, 'restarted');
    const joined = !this.#peers.has(beat.instance);
    if (joined && (beat.state === WorkerState.stopped || this.#peers.size >= MAX_PEERS)) return;
    this.#peers.set(beat.instance, { beat, seenMs: this.now() });
    for (const listener of this.#listeners) (joined ? listener.onJoined : listener.onUpdated)?.call(listener, beat);
  }

  /**
   * Drops peers that missed their beats or said goodbye a while ago; called every `everyMs` by the owner of the timer. When it comes late, this process
   * itself stood still (a stopped process, a blocked event loop), and what the peers sent meanwhile still waits to be read. When
   * its own beats do not come back either, it is nats-server that is silent, not the peers.
   */
  expire(everyMs: number): void {
    const now = this.now();
    const stoodStillMs = Math.max(0, now - this.#expiredMs - 2 * everyMs);
    this.#expiredMs = now;
    if (stoodStillMs > 0) for (const peer of this.#peers.values()) peer.seenMs += stoodStillMs;
    const own = this.#peers.get(this.self);
    if (own && now - own.seenMs > OWN_SILENCE * everyMs) this.#brokerAwayMs = now;
    const isBrokerAway = now - this.#brokerAwayMs < RECOVERY_MS;
    for (const peer of this.#peers.values()) {
      const { beat, seenMs } = peer;
      if (peer === own) continue;
      if (beat.state === WorkerState.stopped) {
        if (now - seenMs >= FAREWELL_MS) this.#remove(beat, 'left');
      } else if (isBrokerAway) peer.seenMs = now;
      else if (now - seenMs > MISSED_BEATS * beat.intervalMs) this.#remove(beat, 'lost');
    }
  }

  #remove(beat: Heartbeat, reason: 'left' | 'lost' | 'restarted'): void {
    if (!this.#peers.delete(beat.instance)) return;
    for (const listener of this.#listeners) listener.onGone?.(beat, reason);
  }
}
