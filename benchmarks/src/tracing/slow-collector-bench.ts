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
const TOKENS = 400;
/** Until all run at speed. */
const WARM_UP_MS = 5000;
const WINDOWS = 12;
const WINDOW_MS = 6000;
const SAMPLE_MS = 1000;
const MIN_RATIO = 0.95;
/** Queues have bounds, so once they are full nothing grows. */
const MAX_GROWTH_MB = 48;
/** V8 lets the heaps of four processes grow by 100 MB before it collects them, where it may. */
const HEAP_LIMIT = { NODE_OPTIONS: '--max-old-space-size=96' };

interface Load {
  /** In each window. */
  readonly tokensPerSecond: readonly number[];
  readonly megabytes: readonly number[];
  readonly fault: string | null;
}

/**
 * Serving and memory while the collector is stopped, or reads a byte a second, against one that is well; everything is traced. Two
 * clusters at the same time: what else the machine does, it does to both.
 */
export async function slowCollectorBench(): Promise<BenchResult[]> {
  return [...(await besideOneThatIsWell('stopped')), ...(await besideOneThatIsWell('at a byte a second'))];
}

async function besideOneThatIsWell(what: 'stopped' | 'at a byte a second'): Promise<BenchResult[]> {
  const receivers: Receiver[] = [];
  const clusters: BenchCluster[] = [];
  try {
    for (const kind of ['whole', what === 'stopped' ? 'whole' : 'trickle'] as const) {
      const receiver = await Receiver.start(kind);
      receivers.push(receiver);
      clusters.push(await BenchCluster.start({ ...tracingTo(receiver.url, LEVEL), ...HEAP_LIMIT }));
    }
    if (what === 'stopped') receivers[1]!.pause();
    const fromMs = performance.now() + WARM_UP_MS;
    const [well, slow] = (await Promise.all(clusters.map((each) => load(each, fromMs)))) as [Load, Load];
    const { spans } = await receivers[0]!.counts();
    return compare(slow, well, what, spans === 0 ? 'the collector that is well got no spans' : null);
  } finally {
    for (const each of clusters) await each.stop();
    for (const each of receivers) await each.stop();
  }
}

function compare(slow: Load, well: Load, what: string, noSpans: string | null): BenchResult[] {
  const fault = noSpans ?? slow.fault ?? well.fault;
  const ratios = medianInterval(slow.tokensPerSecond.map((each, i) => each / well.tokensPerSecond[i]!));
  const serving = `tracing: tokens/s, collector ${what}, against one that is well`;
  const [middle, last] = laterThirds(slow);
  const note = `${describeMemory(slow)}; ${describeMemory(well)} with a collector that is well`;
  return [
    unless(fault, atLeast(serving, ratios.median, MIN_RATIO, describeInterval(ratios, WINDOWS))),
    unless(fault, atMost(`tracing: MB more, collector ${what}`, last - middle, MAX_GROWTH_MB, note)),
  ];
}

/** The most in the second third of the time and in the last: what fills up has filled up in the first. */
function laterThirds({ megabytes }: Load): readonly [middle: number, last: number] {
  const third = Math.floor(megabytes.length / 3);
  return [Math.max(...megabytes.slice(third, 2 * third)), Math.max(...megabytes.slice(2 * third))];
}

function describeMemory(each: Load): string {
  const [middle, last] = laterThirds(each).map((value) => value.toFixed(0));
  return `${last} MB of four services after ${(WINDOWS * WINDOW_MS) / 1000} s, ${middle} a third before`;
}

async function load(bench: BenchCluster, fromMs: number): Promise<Load> {
  const megabytes: number[] = [];
  const sampler = setInterval(() => megabytes.push(residentMegabytesOf(bench.cluster)), SAMPLE_MS);
  const durationMs = fromMs + WINDOWS * WINDOW_MS - performance.now();
  const answers = await closedLoop(MAX_RUNNING, durationMs, (index) => bench.chat(index, TOKENS));
  clearInterval(sampler);
  bench.client.close();
  const starts = Array.from({ length: WINDOWS }, (_, i) => fromMs + i * WINDOW_MS);
  const tokensPerSecond = starts.map((start) => goodput(answers, TOKENS, { fromMs: start, toMs: start + WINDOW_MS }));
  return { tokensPerSecond, megabytes, fault: faultOf(answers, TOKENS) };
}
