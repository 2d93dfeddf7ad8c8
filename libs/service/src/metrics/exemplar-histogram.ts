import { Histogram } from 'prom-client';
import { traceFields, type Located } from '../logging/trace-fields.js';
import type { MetricsRegistry } from './metrics.js';

/**
 * Who looks at a bucket wants a trace of it, not the trace of each observation: to make its labels costs more than to count. So
 * one is renewed so often, and a bucket that is rarely hit (the slow ones) shows its trace at once.
 */
const RENEWAL_MS = 1000;

/** A histogram whose buckets show one of the traces that they count, as OpenMetrics exemplars. */
export class ExemplarHistogram {
  readonly #histogram: Histogram;
  readonly #plain: { observe(value: number): void };
  readonly #bounds: readonly number[];
  /** When each bucket's exemplar may be renewed; the last one is that of +Inf. */
  readonly #renewableMs: Float64Array;

  constructor(registry: MetricsRegistry, name: string, help: string, buckets: readonly number[]) {
    this.#histogram = new Histogram({
      name,
      help,
      buckets: [...buckets],
      registers: [registry],
      enableExemplars: true,
    });
    this.#plain = this.#histogram.labels({});
    this.#bounds = buckets;
    this.#renewableMs = new Float64Array(buckets.length + 1);
  }

  /** @param trace asked only for an exemplar; it gives none where it is not recorded */
  observe(value: number, trace: Located): void {
    const bucket = this.#bucketOf(value);
    const nowMs = performance.now();
    if (nowMs >= this.#renewableMs[bucket]!) {
      const exemplarLabels = traceFields(trace);
      if (exemplarLabels.trace_id !== undefined) {
        this.#renewableMs[bucket] = nowMs + RENEWAL_MS;
        this.#histogram.observe({ value, exemplarLabels: { ...exemplarLabels } });
        return;
      }
    }
    this.#plain.observe(value);
  }

  #bucketOf(value: number): number {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    return bucket;
  }
}
