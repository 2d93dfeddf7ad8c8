import { QUEUE_SECONDS } from './buckets.js';
import { ExemplarHistogram } from './exemplar-histogram.js';
import type { MetricsRegistry } from './metrics.js';

/** The one histogram of waiting, in every role that has a queue: each knows its own part of a request's. */
export function queueTimeHistogram(registry: MetricsRegistry): ExemplarHistogram {
  return new ExemplarHistogram(
    registry,
    'sliceway_queue_time_seconds',
    'Gateway: until a request is admitted. Prefill, decode: from when the engine can compute it to its first forward.',
    QUEUE_SECONDS,
  );
}
