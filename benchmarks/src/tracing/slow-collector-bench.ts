import { setTimeout as sleep } from 'node:timers/promises';
import { atLeast, atMost, type BenchResult, unless } from '../result.js';
import { BenchCluster, MAX_RUNNING } from '../service/bench-cluster.js';
import { faultOf } from '../service/fault.js';
import { goodput } from '../service/goodput.js';
import { closedLoop } from '../service/load.js';
import { describeInterval, medianInterval } from './median-interval.js';
import { residentMegabytesOf } from './process-usage.js';
import { Receiver } from './receiver.js';
import { tracingTo } from './tracing-env.js';

const LEVEL = 3;
const PAIRS = 10;
const TOKENS = 400;
const WARM_UP_MS = 1000;
const MEASURE_MS = 3000;
/** What was held back has left. */
const RECOVER_MS = 2500;
const MEMORY_MS = 30_000;
const SAMPLE_MS = 1000;
const MIN_RATIO = 0.95;
/** Queues have bounds, so once they are full nothing grows; the heaps of four processes breathe by this much. */
const MAX_GROWTH_MB = 48;

interface Load {
  readonly tokensPerSecond: number;
  readonly megabytes: readonly number[];
  readonly fault: string | null;
}

/** Serving and memory while the collector is stopped, or reads a byte a second, against one that is well; everything is traced. */
export async function slowCollectorBench(): Promise<BenchResult[]> {
  const receivers = [await Receiver.start(), await Receiver.start('trickle')] as const;
  const clusters: BenchCluster[] = [];
  try {
    for (const { url } of receivers) clusters.push(await BenchCluster.start(tracingTo(url, LEVEL)));
    return await compare(clusters[0]!, clusters[1]!, receivers[0]);
  } finally {
    for (const each of clusters) await each.stop();
    for (const each of receivers) await each.stop();
  }
}

async function compare(bench: BenchCluster, trickling: BenchCluster, receiver: Receiver): Promise<BenchResult[]> {
  const stopped = async (durationMs: number): Promise<Load> => {
    receiver.pause();
    const result = await load(bench, durationMs);
    receiver.resume();
    await sleep(RECOVER_MS);
    return result;
  };
  const kinds = {
    healthy: () => load(bench, MEASURE_MS),
    stopped: () => stopped(MEASURE_MS),
    trickling: () => load(trickling, MEASURE_MS),
  };
  const order = Object.keys(kinds) as (keyof typeof kinds)[];
  const rounds: Record<keyof typeof kinds, Load>[] = [];
  for (let i = -1; i < PAIRS; i++) {
    const round: Partial<Record<keyof typeof kinds, Load>> = {};
    for (const kind of i % 2 === 0 ? order : order.toReversed()) round[kind] = await kinds[kind]();
    if (i >= 0) rounds.push(round as Record<keyof typeof kinds, Load>);
  }
  const { spans } = await receiver.counts();
  const noSpans = spans === 0 ? 'the collector that is well got no spans' : null;
  const fault = noSpans ?? rounds.flatMap((round) => Object.values(round) as Load[]).find((each) => each.fault)?.fault;
  const serving = (kind: 'stopped' | 'trickling', what: string): BenchResult => {
    const interval = medianInterval(rounds.map((round) => round[kind].tokensPerSecond / round.healthy.tokensPerSecond));
    const name = `tracing: tokens/s, collector ${what}, against one that is well`;
    const result = atLeast(name, interval.median, MIN_RATIO, describeInterval(interval, PAIRS));
    return unless(fault ?? null, result);
  };
  const healthy = describeMemory((await load(bench, MEMORY_MS)).megabytes);
  return [
    serving('stopped', 'stopped'),
    memory(await stopped(MEMORY_MS), healthy, 'stopped', noSpans),
    serving('trickling', 'at a byte a second'),
    memory(await load(trickling, MEMORY_MS), healthy, 'at a byte a second', noSpans),
  ];
}

/** How much the services grew in the last third of the time, after the second: what fills up has filled up in the first. */
function memory({ megabytes, fault }: Load, healthy: string, what: string, noSpans: string | null): BenchResult {
  const [middle, last] = laterThirds(megabytes);
  const note = `${describeMemory(megabytes)}; ${healthy} with a collector that is well`;
  return unless(noSpans ?? fault, atMost(`tracing: MB more, collector ${what}`, last - middle, MAX_GROWTH_MB, note));
}

/** The most in the second third and in the last. */
function laterThirds(megabytes: readonly number[]): readonly [middle: number, last: number] {
  const third = Math.floor(megabytes.length / 3);
  return [Math.max(...megabytes.slice(third, 2 * third)), Math.max(...megabytes.slice(2 * third))];
}

function describeMemory(megabytes: readonly number[]): string {
  const [middle, last] = laterThirds(megabytes).map((value) => value.toFixed(0));
  return `${last} MB of four services after ${MEMORY_MS / 1000} s, ${middle} a third before`;
}

async function load(bench: BenchCluster, durationMs: number): Promise<Load> {
  const fromMs = performance.now() + WARM_UP_MS;
  const window = { fromMs, toMs: fromMs + durationMs };
  const megabytes: number[] = [];
  const sampler = setInterval(() => megabytes.push(residentMegabytesOf(bench.cluster)), SAMPLE_MS);
  const answers = await closedLoop(MAX_RUNNING, WARM_UP_MS + durationMs, (index) => bench.chat(index, TOKENS));
  clearInterval(sampler);
  // Kept alive until its next turn, a connection would be closed by the gateway as a request takes it.
  bench.client.close();
  return { tokensPerSecond: goodput(answers, TOKENS, window), megabytes, fault: faultOf(answers, TOKENS) };
}
