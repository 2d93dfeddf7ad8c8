import { WorkerState } from '@sliceway/protocol';
import type { ServiceStatus } from '../service-status.js';

const POLL_MS = 20;

/** No new work from now on: waits until requests under way have ended, `timeoutMs` at most. @returns how many were left */
export async function drain(status: ServiceStatus, timeoutMs: number): Promise<number> {
  status.become(WorkerState.draining);
  const deadline = performance.now() + timeoutMs;
  while (status.activeRequests() > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return status.activeRequests();
}
