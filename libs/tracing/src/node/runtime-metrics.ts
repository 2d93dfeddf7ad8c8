import type { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

type Instrumentation = ReturnType<typeof getNodeAutoInstrumentations>[number];

/** Gives what is measured when it is asked, and never by itself. */
class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
let reader: PullReader | undefined;

/** What an instrumentation measures is read from now on. */
export function startRuntimeMetrics(instrumentation: Instrumentation): void {
  reader = new PullReader();
  instrumentation.setMeterProvider(new MeterProvider({ readers: [reader] }));
}

/** What OpenTelemetry's instrumentation of Node.js measured, in Prometheus' text format; empty where it is not on. */
export async function runtimeMetrics(): Promise<string> {
  if (reader === undefined) return '';
  const { resourceMetrics } = await reader.collect();
  // OpenMetrics has units as a part of the name only.
  return serializer.serialize(resourceMetrics).replace(/^# UNIT .*\n/gm, '');
}
