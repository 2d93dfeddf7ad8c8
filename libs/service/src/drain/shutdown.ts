import { constants } from 'node:os';
import { WorkerState } from '@sliceway/protocol';
import type { Logger } from '../logging/logger.js';
import type { ServiceStatus } from '../service-status.js';
import { drain } from './drain.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type StopSignal = (typeof SIGNALS)[number];
/** Whatever hangs after the drain does not keep the process. */
const CLOSE_TIMEOUT_MS = 5000;

export interface ServiceToStop {
  readonly status: ServiceStatus;
  readonly drainTimeoutMs: number;
  /** Called with the state already `stopped`. */
  close(): Promise<void>;
}

/**
 * Ends the process on SIGTERM or SIGINT: drain, close, exit 0. A second signal ends it at once, and so does the first one
 * before `serves` was called, since there is nothing to drain yet.
 */
export class Shutdown {
  #service: ServiceToStop | undefined;
  #isStopping = false;

  constructor(private readonly logger: Logger) {
    for (const signal of SIGNALS) process.on(signal, () => void this.#stop(signal));
  }

  serves(service: ServiceToStop): void {
    this.#service = service;
  }

  async #stop(signal: StopSignal): Promise<void> {
    const { logger } = this;
    if (this.#isStopping || !this.#service) {
      logger.warn({ signal }, 'stopped at once');
      process.exit(128 + constants.signals[signal]);
    }
    this.#isStopping = true;
    const { status, drainTimeoutMs } = this.#service;
    logger.info({ signal, requests: status.activeRequests() }, 'draining');
    const left = await drain(status, drainTimeoutMs);
    if (left > 0) logger.warn({ requests: left }, 'ended with requests under way');
    status.become(WorkerState.stopped);
    setTimeout(() => {
      logger.error('closing took too long');
      process.exit(1);
    }, CLOSE_TIMEOUT_MS);
    await this.#service.close();
    logger.info('stopped');
    process.exit(0);
  }
}
