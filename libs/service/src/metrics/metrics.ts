import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { identity } from '../identity.config.js';
import type { LogOnce } from '../logging/log-once.js';
import type { ServiceStatus } from '../service-status.js';

export type MetricsRegistry = Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>;

/** The process's metrics, OpenMetrics, labelled with role and instance. */
export function createMetrics(status: ServiceStatus, faults: LogOnce): MetricsRegistry {
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  registry.setDefaultLabels({ role: status.role, instance: identity.instance });
  collectDefaultMetrics({ register: registry });
  const loadGauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  loadGauge('sliceway_requests_active', 'Requests under way in this process', () => status.activeRequests());
  loadGauge('sliceway_running', 'Sequences in the running batch', () => status.load().running);
  loadGauge('sliceway_waiting', 'Requests that wait for a place or for pages', () => status.load().waiting);
  loadGauge('sliceway_queued_tokens', 'Prompt tokens of the waiting requests', () => status.load().queuedTokens);
  loadGauge('sliceway_kv_pages_used', 'KV pages in use', () => status.load().kvPagesUsed);
  loadGauge('sliceway_kv_pages', 'KV pages in all', () => status.load().kvPagesTotal);
  new Counter({
    name: 'sliceway_dropped_total',
    help: 'Messages, frames and events that had to be dropped, by kind',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [kind, count] of faults.counts) this.inc({ kind }, count);
    },
  });
  return registry;
}
