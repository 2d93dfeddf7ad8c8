import type { RequestId } from './ids.js';

/** `ok`: take it. `stale`: a newer attempt is known. `aborted`: this attempt was aborted, perhaps before it came. */
export type Admission = 'ok' | 'stale' | 'aborted';

export interface AttemptFenceOptions {
  /** Milliseconds of any monotonic clock. */
  readonly now: () => number;
  /** A request is remembered for this long after its last message, or up to a quarter less. Later ones are not fenced. */
  readonly ttlMs?: number;
  /** Requests remembered; past it the one silent for longest is forgotten. Live plus those ended within `ttlMs`. */
  readonly maxRequests?: number;
}

interface Fence {
  touchedMs: number;
  /** Newest attempt by choice, -1 for none. */
  readonly newest: number[];
  /** Highest aborted attempt by choice, -1 for none. */
  readonly aborted: number[];
  abortedAll: number;
}

const DEFAULT_TTL_MS = 120_000;
const DEFAULT_MAX_REQUESTS = 65_536;

function raise(attempts: number[], choice: number, attempt: number): void {
  while (attempts.length <= choice) attempts.push(-1);
  if (attempt > attempts[choice]!) attempts[choice] = attempt;
}

/**
 * Keeps older attempts out, and keeps a tombstone for an abort that overtakes its leg: connections do not order each
 * other. Has no timer: what has expired goes when something is looked up.
 */
export class AttemptFence {
  readonly #fences = new Map<RequestId, Fence>();
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #maxRequests: number;

  constructor(options: AttemptFenceOptions) {
    this.#now = options.now;
    this.#ttlMs = options.ttlMs ?? DEFAULT_TTL_MS;
    this.#maxRequests = options.maxRequests ?? DEFAULT_MAX_REQUESTS;
  }

  get size(): number {
    return this.#fences.size;
  }

  /** Says whether a message of this attempt may act; one that may makes every older attempt stale. */
  admit(rid: RequestId, choice: number, attempt: number): Admission {
    const fence = this.#touch(rid);
    if (attempt < (fence.newest[choice] ?? -1)) return 'stale';
    if (attempt <= fence.abortedAll || attempt <= (fence.aborted[choice] ?? -1)) return 'aborted';
    raise(fence.newest, choice, attempt);
    return 'ok';
  }

  /** Closes this attempt and all older ones, of one choice or (null) of all; a newer attempt may still come. */
  abort(rid: RequestId, choice: number | null, attempt: number): void {
    const fence = this.#touch(rid);
    if (choice === null) fence.abortedAll = Math.max(fence.abortedAll, attempt);
    else raise(fence.aborted, choice, attempt);
  }

  #touch(rid: RequestId): Fence {
    const nowMs = this.#now();
    const known = this.#fences.get(rid);
    // Moving an entry to the young end at every frame would cost more than the look-up: once per quarter is enough.
    if (known !== undefined && nowMs - known.touchedMs < this.#ttlMs / 4) return known;
    this.#fences.delete(rid);
    this.#expire(nowMs);
    const isLive = known !== undefined && nowMs - known.touchedMs < this.#ttlMs;
    const fence: Fence = isLive ? known : { touchedMs: nowMs, newest: [], aborted: [], abortedAll: -1 };
    fence.touchedMs = nowMs;
    this.#fences.set(rid, fence);
    return fence;
  }

  /** Leaves room for one more. */
  #expire(nowMs: number): void {
    for (const [rid, fence] of this.#fences) {
      if (nowMs - fence.touchedMs < this.#ttlMs && this.#fences.size < this.#maxRequests) return;
      this.#fences.delete(rid);
    }
  }
}
