import type { InFlight } from './in-flight.js';
import type { Worker } from './worker-directory.js';

/**
 * Requests on a worker: what its last heartbeat said, or what this gateway has sent there if that is more by now. Of two
 * equally busy ones the one with more free KV pages is the less loaded.
 */
export function workerLoad(worker: Worker, inFlight: InFlight): number {
  const { kvPagesUsed, kvPagesTotal } = worker.load;
  const kvUse = kvPagesTotal === 0 ? 0 : kvPagesUsed / kvPagesTotal;
  return requestsOn(worker, inFlight) + kvUse / 2;
}

/** Whether its batch has a free place; one that has no batch always has room. */
export function hasRoom(worker: Worker, inFlight: InFlight): boolean {
  return worker.load.maxRunning === 0 || requestsOn(worker, inFlight) < worker.load.maxRunning;
}

function requestsOn({ instance, load }: Worker, inFlight: InFlight): number {
  return Math.max(load.running + load.waiting, inFlight.of(instance));
}
