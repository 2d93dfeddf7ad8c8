import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from './metrics.js';

/** A gauge that is read when it is asked for. */
export function gaugeFrom(registry: MetricsRegistry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}

/** Counts by the values of these labels, which are kept elsewhere: who counts pays no more than an addition. */
export function countFrom<Label extends string>(
  registry: MetricsRegistry,
  name: string,
  help: string,
  labelNames: readonly Label[],
  counts: () => Iterable<readonly [labels: Readonly<Record<Label, string>>, count: number]>,
): void {
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, count] of counts()) this.inc(labels, count);
    },
  });
}
