import { WorkerState } from '@sliceway/protocol';
import type { ServiceStatus } from '../service-status.js';

const POLL_MS = 20;
/** What was sent before everybody knew is still on its way. */
const LINGER_MS = 250;

/** No new work from now on: waits until requests under way have ended, `timeoutMs` at most. @returns how many were left */
export async function drain(status: ServiceStatus, timeoutMs: number): Promise<number> {
  status.become(WorkerState.draining);
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  while (elapsedMs() < timeoutMs && (status.activeRequests() > 0 || elapsedMs() < LINGER_MS)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return status.activeRequests();
}
