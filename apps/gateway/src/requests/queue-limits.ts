import type { GatewayConfig } from '../gateway.config.js';
import type { Router } from '../routing/router.js';
import type { AdmissionLimits } from './admission.js';

/** A queue of two batches keeps decode busy; what waits behind them only grows old. */
const QUEUED_PER_PLACE = 2;
/** A burst that even a small cluster takes. */
const LEAST_QUEUED = 64;
const TOKENS_PER_QUEUED = 2048;

type Configured = Pick<
  GatewayConfig,
  'SLICEWAY_MAX_CONCURRENT_REQUESTS' | 'SLICEWAY_MAX_QUEUED_REQUESTS' | 'SLICEWAY_MAX_QUEUED_TOKENS'
>;

/** What the configuration says of the queue, and where it says nothing, what the workers can do. */
export function queueLimits(config: Configured, router: Pick<Router, 'places'>): AdmissionLimits {
  const maxQueued = (): number =>
    config.SLICEWAY_MAX_QUEUED_REQUESTS ?? Math.max(LEAST_QUEUED, QUEUED_PER_PLACE * router.places);
  return {
    maxConcurrent: config.SLICEWAY_MAX_CONCURRENT_REQUESTS,
    maxQueued,
    maxQueuedTokens: () => config.SLICEWAY_MAX_QUEUED_TOKENS ?? maxQueued() * TOKENS_PER_QUEUED,
  };
}
