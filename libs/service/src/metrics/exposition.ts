import { Counter, Registry } from 'prom-client';
import type { MetricsRegistry } from './metrics.js';

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

const OPEN_METRICS = 'application/openmetrics-text';
const TEXT = 'text/plain';
const TOTAL = '_total';
const END = '# EOF\n';

/**
 * Metrics as a scraper wants them: OpenMetrics where it asks for that, else Prometheus' text format, which has no exemplars.
 *
 * @param accept the header of that name
 * @param labels of every metric
 * @param further metrics that are text already
 */
export async function expose(
  registry: MetricsRegistry,
  accept: string | undefined,
  labels: object,
  further = '',
): Promise<Exposition> {
  if (prefersOpenMetrics(accept)) {
    const body = await registry.metrics();
    return { contentType: registry.contentType, body: body.replace(END, () => further + END) };
  }
  // One of its own: a registry that changes its format does so under the scrape that is still at it.
  const text = new Registry();
  text.setDefaultLabels(labels);
  for (const metric of registry.getMetricsAsArray()) {
    // Which OpenMetrics takes from the name of a counter, and does not give back.
    if (metric instanceof Counter && !metric.name.endsWith(TOTAL)) metric.name += TOTAL;
    text.registerMetric(metric as never);
  }
  return { contentType: text.contentType, body: `${await text.metrics()}\n${further}` };
}

/** Only where it is named: what takes anything gets what everything reads. */
function prefersOpenMetrics(accept = ''): boolean {
  const quality = new Map<string, number>();
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const given = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const value = given === undefined ? 1 : Number(given) || 0;
    quality.set(type, Math.max(value, quality.get(type) ?? 0));
  }
  const openMetrics = quality.get(OPEN_METRICS) ?? 0;
  return openMetrics > 0 && openMetrics >= (quality.get(TEXT) ?? 0);
}
