import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from './attempt.js';
import type { ClusterPort } from './cluster-port.js';

/** How long after nats-server was lost a request waits to hear of workers again, and how often it looks. */
const PATIENCE_MS = 10_000;
const POLL_MS = 50;

/** Whether nats-server has taken all that was said so far. */
export function isBrokerThere(cluster: ClusterPort): Promise<boolean> {
  return cluster.flushed().then(
    () => true,
    () => false,
  );
}

/** Resolves when there are workers again, when patience is at its end, or when the attempt is over. */
export async function waitForWorkers(attempt: Attempt, canServe: () => boolean): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  do await sleep(POLL_MS);
  while (!attempt.isOver && !canServe() && performance.now() <= untilMs);
}
