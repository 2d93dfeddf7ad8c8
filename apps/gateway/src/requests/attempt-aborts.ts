import { AbortReason, Role, type RequestId, type WorkerRole } from '@sliceway/protocol';
import type { Attempt } from './attempt.js';
import type { ClusterPort } from './cluster-port.js';

/** Tells the workers of a request's attempts to give them up. */
export class AttemptAborts {
  constructor(
    private readonly rid: RequestId,
    private readonly cluster: ClusterPort,
  ) {}

  /** To every worker that takes part. */
  all(attempt: Attempt, reason: AbortReason): void {
    for (const { role } of attempt.parties) this.one(attempt, role, null, reason);
  }

  /** @param choice null for all */
  one(attempt: Attempt, role: WorkerRole, choice: number | null, reason: AbortReason): void {
    const instance = attempt.instance(role);
    if (instance === null) return;
    this.cluster.abort(role, instance, { rid: this.rid, choice, attempt: attempt.number, reason });
  }

  /** Workers do not know of stop strings: decode goes on, and before its first token prefill may still be sending KV. */
  stopped(attempt: Attempt): void {
    this.one(attempt, Role.decode, null, AbortReason.stopMatched);
    if (!attempt.handedOver) this.one(attempt, Role.prefill, null, AbortReason.stopMatched);
  }
}
