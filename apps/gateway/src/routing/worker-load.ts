import type { InFlight } from './in-flight.js';
import type { Worker } from './worker-directory.js';

/**
 * Requests on a worker: what its last heartbeat said, or what this gateway has sent there if that is more by now. Of two
 * equally busy ones the one with more free KV pages is the less loaded.
 */
export function workerLoad({ instance, load }: Worker, inFlight: InFlight): number {
  const requests = Math.max(load.running + load.waiting, inFlight.of(instance));
  const kvUse = load.kvPagesTotal === 0 ? 0 : load.kvPagesUsed / load.kvPagesTotal;
  return requests + kvUse / 2;
}
