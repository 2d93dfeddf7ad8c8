import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalCluster } from '@sliceway/local';
import { metricOf } from './metric.js';

/** Seconds of CPU time used so far, by name. */
interface CpuSample {
  readonly atMs: number;
  readonly seconds: ReadonlyMap<string, number>;
}

/** Cores that each process of the cluster, this one (`client`) and the machine as a whole kept busy, from `delayMs` on. */
export async function coresBusy(
  cluster: LocalCluster,
  delayMs: number,
  durationMs: number,
): Promise<ReadonlyMap<string, number>> {
  await sleep(delayMs);
  const from = await sampleCpu(cluster);
  await sleep(durationMs);
  const to = await sampleCpu(cluster);
  const elapsed = (to.atMs - from.atMs) / 1000;
  return new Map([...to.seconds].map(([name, used]) => [name, (used - (from.seconds.get(name) ?? 0)) / elapsed]));
}

async function sampleCpu({ processes }: LocalCluster): Promise<CpuSample> {
  const seconds = new Map<string, number>();
  const running = processes.filter(({ isRunning }) => isRunning);
  const used = await Promise.all(running.map(({ url }) => cpuSeconds(url)));
  running.forEach(({ role }, i) => {
    const name = seconds.has(role) ? `second ${role}` : role;
    seconds.set(name, used[i]!);
  });
  const { user, system } = process.cpuUsage();
  seconds.set('client', (user + system) / 1e6);
  const busyMs = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  seconds.set('machine', busyMs / 1000);
  return { atMs: performance.now(), seconds };
}

export function cpuSeconds(url: string): Promise<number> {
  return metricOf(url, 'process_cpu_seconds_total');
}

/** Less is left out. */
const MIN_CORES_SHOWN = 0.05;

/** Who was busy, the busiest first. The broker is among the `others`, and so is all that has nothing to do with the benchmark. */
export function describeCores(cores: ReadonlyMap<string, number>): string {
  const { machine, ...named } = Object.fromEntries(cores) as { machine: number } & Record<string, number>;
  const others = machine - Object.values(named).reduce((sum, busy) => sum + busy, 0);
  const parts = Object.entries({ ...named, others })
    .filter(([, busy]) => busy >= MIN_CORES_SHOWN)
    .sort(([, a], [, b]) => b - a)
    .map(([name, busy]) => `${name} ${busy.toFixed(2)}`);
  return `${machine.toFixed(2)} of ${cpus().length} cores busy (${parts.join(', ')})`;
}
