import { FailureCode } from '@sliceway/protocol';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { FailureReporter } from '../failure-reporter.js';
import { identity } from '../identity.config.js';
import type { LogOnce } from '../logging/log-once.js';
import type { ConnectionHealth } from '../nats/connection-health.js';
import type { ServiceStatus } from '../service-status.js';
import { countFrom, gaugeFrom } from './read-metrics.js';
import { measureTracing, type TraceStats } from './trace-metrics.js';

export type MetricsRegistry = Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>;

/** What every metric of this process has. */
export function defaultLabels(role: string): object {
  return { role, instance: identity.instance };
}

/** The process's metrics, labelled with role and instance. */
export function createMetrics(
  status: ServiceStatus,
  faults: Pick<LogOnce, 'counts'>,
  failures: Pick<FailureReporter, 'counts'>,
  tracing: { stats(): TraceStats },
  nats: Pick<ConnectionHealth, 'reason'>,
): MetricsRegistry {
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  registry.setDefaultLabels(defaultLabels(status.role));
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: () => number): void => gaugeFrom(registry, name, help, value);
  gauge('sliceway_ready', '1 while it can serve, as /health/ready has it, else 0', () =>
    Number(status.unreadyReasons().length === 0),
  );
  gauge('sliceway_nats_connected', '1 while all connections to nats-server are up, else 0', () =>
    Number(nats.reason() === undefined),
  );
  gauge('sliceway_requests_active', 'Requests under way in this process', () => status.activeRequests());
  gauge('sliceway_running', 'Sequences in the running batch', () => status.load().running);
  gauge('sliceway_waiting', 'Requests that wait for a place or for pages', () => status.load().waiting);
  gauge('sliceway_queued_tokens', 'Prompt tokens of the waiting requests', () => status.load().queuedTokens);
  gauge('sliceway_kv_pages_used', 'KV pages in use', () => status.load().kvPagesUsed);
  gauge('sliceway_kv_pages', 'KV pages in all', () => status.load().kvPagesTotal);
  countFrom(
    registry,
    'sliceway_dropped_total',
    'Messages, frames and events that had to be dropped, by kind and message',
    ['kind', 'message'],
    () => Array.from(faults.counts, ({ kind, message, count }) => [{ kind, message }, count]),
  );
  countFrom(registry, 'sliceway_failed_attempts_total', 'Attempts that failed here, by code', ['code'], () =>
    // All of them, from the start: who looks for an increase does not see a series begin at 1.
    Object.values(FailureCode).map((code) => [{ code }, failures.counts.get(code) ?? 0]),
  );
  measureTracing(registry, tracing);
  return registry;
}
