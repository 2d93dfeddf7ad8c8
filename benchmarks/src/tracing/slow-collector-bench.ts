import { setTimeout as sleep } from 'node:timers/promises';
import { atLeast, atMost, type BenchResult, unless } from '../result.js';
import { BenchCluster, MAX_RUNNING } from '../service/bench-cluster.js';
import { faultOf } from '../service/fault.js';
import { goodput, type Window } from '../service/goodput.js';
import { closedLoop } from '../service/load.js';
import { metricOf } from '../service/metric.js';
import { describeInterval, medianInterval } from './median-interval.js';
import { residentMegabytesOf } from './process-usage.js';
import { type Ailment, Receiver } from './receiver.js';
import { tracingTo } from './tracing-env.js';

const LEVEL = 3;
const TOKENS = 400;
/** Until all run at speed, and until what a slow collector left behind has gone. */
const SETTLE_MS = 5000;
const WINDOWS = 12;
const WINDOW_MS = 6000;
const TURN_MS = WINDOWS * WINDOW_MS;
const SAMPLE_MS = 1000;
const MIN_RATIO = 0.95;
/** Queues have bounds, so once they are full nothing grows. */
const MAX_GROWTH_MB = 48;
/** V8 lets the heaps of four processes grow by 100 MB before it collects them, where it may. */
const HEAP_LIMIT = { NODE_OPTIONS: '--max-old-space-size=96' };

/** Of one turn. */
interface Turn {
  /** In each window. */
  readonly tokensPerSecond: readonly number[];
  readonly memory: Memory;
}

/** The most megabytes in the second third of the time and in the last: what fills up has filled up in the first. */
interface Memory {
  readonly middle: number;
  readonly last: number;
}

interface Load {
  readonly turns: readonly [Turn, Turn];
  readonly fault: string | null;
}

/**
 * Serving and memory while the collector is stopped, or reads a byte a second, against one that is well; everything is traced. Two
 * clusters at the same time: what else the machine does, it does to both. Each has the slow collector in its turn, since one of two
 * clusters may be some percent faster all its life.
 */
export async function* slowCollectorBench(): AsyncGenerator<BenchResult> {
  yield* await inTurn('stopped');
  yield* await inTurn('at a byte a second');
}

async function inTurn(ailment: Ailment): Promise<BenchResult[]> {
  const receivers: Receiver[] = [];
  const clusters: BenchCluster[] = [];
  try {
    for (let i = 0; i < 2; i++) {
      const receiver = await Receiver.start();
      receivers.push(receiver);
      clusters.push(await BenchCluster.start({ ...tracingTo(receiver.url, LEVEL), ...HEAP_LIMIT }));
    }
    const startMs = performance.now() + SETTLE_MS;
    const turns = [turnFrom(startMs), turnFrom(startMs + TURN_MS + SETTLE_MS)] as const;
    const loads = Promise.all(clusters.map((each) => load(each, turns)));
    for (const [i, { toMs }] of turns.entries()) {
      receivers[i]!.ail(ailment);
      await sleep(toMs - performance.now());
      receivers[i]!.recover();
    }
    const [first, second] = (await loads) as [Load, Load];
    const counts = await Promise.all(receivers.map((each) => each.counts()));
    const wasSlow = await Promise.all(clusters.map(droppedSpans));
    const noSpans = counts.some(({ spans }) => spans === 0) ? 'a collector got no spans' : null;
    const notSlow = wasSlow.includes(0) ? 'no queue has been full: a collector was not slow' : null;
    return compare([first.turns[0], second.turns[1]], [second.turns[0], first.turns[1]], ailment).map((result) =>
      unless(noSpans ?? notSlow ?? first.fault ?? second.fault, result),
    );
  } finally {
    for (const each of clusters) await each.stop();
    for (const each of receivers) await each.stop();
  }
}

/** @param slow each cluster's turn with the slow collector; @param well the other's at the same time */
function compare(slow: readonly [Turn, Turn], well: readonly [Turn, Turn], ailment: Ailment): BenchResult[] {
  const ratio = (turn: 0 | 1, i: number): number => slow[turn].tokensPerSecond[i]! / well[turn].tokensPerSecond[i]!;
  // What one cluster has over the other is in one ratio as it is, in the other as its inverse.
  const ratios = medianInterval(Array.from({ length: WINDOWS }, (_, i) => Math.sqrt(ratio(0, i) * ratio(1, i))));
  const growthMb = Math.max(...slow.map(({ memory }) => memory.last - memory.middle));
  const note = `${describeMemory(slow)}; ${describeMemory(well)} with a collector that is well`;
  return [
    atLeast(
      `tracing: tokens/s, collector ${ailment}, against one that is well`,
      ratios.median,
      MIN_RATIO,
      describeInterval(ratios, WINDOWS),
    ),
    atMost(`tracing: MB more, collector ${ailment}`, growthMb, MAX_GROWTH_MB, note),
  ];
}

function describeMemory(turns: readonly Turn[]): string {
  const each = turns.map(
    ({ memory: { middle, last } }) => `${last.toFixed(0)} MB (${middle.toFixed(0)} a third before)`,
  );
  return `${each.join(' and ')} of four services after ${TURN_MS / 1000} s`;
}

/** For which decode's queue had no room. */
function droppedSpans({ cluster }: BenchCluster): Promise<number> {
  return metricOf(cluster.running('decode')[0]!.url, 'sliceway_trace_spans_total', 'state="dropped_queue"');
}

const turnFrom = (fromMs: number): Window => ({ fromMs, toMs: fromMs + TURN_MS });

async function load(bench: BenchCluster, turns: readonly [Window, Window]): Promise<Load> {
  const samples: { readonly atMs: number; readonly megabytes: number }[] = [];
  const sampler = setInterval(
    () => samples.push({ atMs: performance.now(), megabytes: residentMegabytesOf(bench.cluster) }),
    SAMPLE_MS,
  );
  const durationMs = turns[1].toMs - performance.now();
  const answers = await closedLoop(MAX_RUNNING, durationMs, (index) => bench.chat(index, TOKENS));
  clearInterval(sampler);
  bench.client.close();
  const most = (fromMs: number): number =>
    Math.max(
      ...samples.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + TURN_MS / 3).map((each) => each.megabytes),
    );
  const of = ({ fromMs }: Window): Turn => {
    const starts = Array.from({ length: WINDOWS }, (_, i) => fromMs + i * WINDOW_MS);
    return {
      tokensPerSecond: starts.map((start) => goodput(answers, TOKENS, { fromMs: start, toMs: start + WINDOW_MS })),
      memory: { middle: most(fromMs + TURN_MS / 3), last: most(fromMs + (2 * TURN_MS) / 3) },
    };
  };
  return { turns: [of(turns[0]), of(turns[1])], fault: faultOf(answers, TOKENS) };
}
