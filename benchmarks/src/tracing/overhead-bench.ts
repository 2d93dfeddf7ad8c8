import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, type BenchResult, unless } from '../result.js';
import { BenchCluster, MAX_RUNNING } from '../service/bench-cluster.js';
import { faultOf } from '../service/fault.js';
import type { Answer } from '../service/stream-client.js';
import { describeInterval, medianInterval } from './median-interval.js';
import { cpuSecondsOf } from './process-usage.js';
import { Receiver } from './receiver.js';
import { SETTLED_MS, setTraceLevel, TRACING_OFF, tracingTo } from './tracing-env.js';

const PAIRS = 14;
const TOKENS = 400;
const ROUNDS = 2;
const WARM_UPS = 1;
/** Tracing is always on, so its steady state counts: what runs once a request is compiled after a thousand of them. */
const WARM_UP_BURSTS = 32;
const WARM_UP_TOKENS = 4;
const MICROSECONDS = 1e6;
const LEVELS = [
  { level: 2, bound: 1.03 },
  { level: 3, bound: 1.1 },
] as const;

interface Measured {
  readonly microseconds: number;
  readonly spans: number;
}

/**
 * CPU time of the four services for a token, with tracing on against all of it off, in two clusters that take turns. The model is
 * so small that tracing is as large a share as it can be.
 */
export async function overheadBench(): Promise<BenchResult[]> {
  const receiver = await Receiver.start();
  const clusters: BenchCluster[] = [];
  try {
    for (const env of [TRACING_OFF, tracingTo(receiver.url, LEVELS[0].level)])
      clusters.push(await BenchCluster.start(env));
    for (const each of clusters) for (let i = 0; i < WARM_UP_BURSTS; i++) await burst(each, WARM_UP_TOKENS);
    return await compare(clusters[0]!, clusters[1]!, receiver);
  } finally {
    for (const each of clusters) await each.stop();
    await receiver.stop();
  }
}

async function compare(off: BenchCluster, on: BenchCluster, receiver: Receiver): Promise<BenchResult[]> {
  const rounds: Map<number, Measured>[] = [];
  let fault: string | null = null;
  const measure = async (level: number): Promise<Measured> => {
    if (level > 0) await setTraceLevel(on.cluster.gatewayUrl, level);
    const before = (await receiver.counts()).spans;
    const { answers, microseconds } = await load(level > 0 ? on : off);
    fault ??= faultOf(answers, TOKENS);
    return { microseconds, spans: (await receiver.counts()).spans - before };
  };
  const order = [0, ...LEVELS.map(({ level }) => level)];
  for (let i = -WARM_UPS; i < PAIRS; i++) {
    const round = new Map<number, Measured>();
    for (const level of i % 2 === 0 ? order : order.toReversed()) round.set(level, await measure(level));
    if (i >= 0) rounds.push(round);
  }
  return LEVELS.map(({ level, bound }) => {
    const interval = medianInterval(rounds.map((round) => round.get(level)!.microseconds / round.get(0)!.microseconds));
    const of = (each: number): string => medianInterval(rounds.map((r) => r.get(each)!.microseconds)).median.toFixed(1);
    const spans = medianInterval(rounds.map((round) => round.get(level)!.spans)).median;
    const perToken = (spans / (ROUNDS * MAX_RUNNING * TOKENS)).toFixed(2);
    const note = `${of(level)} us against ${of(0)} us, ${perToken} spans a token; ${describeInterval(interval, PAIRS)}`;
    const result = atMost(`tracing: CPU a token at level ${level}, against off`, interval.median, bound, note);
    return unless(fault ?? faultOfSpans(rounds, level), result);
  });
}

async function load(bench: BenchCluster): Promise<{ answers: readonly Answer[]; microseconds: number }> {
  const before = cpuSecondsOf(bench.cluster);
  const answers: Answer[] = [];
  for (let i = 0; i < ROUNDS; i++) answers.push(...(await burst(bench, TOKENS)));
  // Kept alive until its next turn, a connection would be closed by the gateway as a request takes it.
  bench.client.close();
  // What it costs to send what was recorded belongs to the round.
  await sleep(SETTLED_MS);
  const used = cpuSecondsOf(bench.cluster) - before;
  return { answers, microseconds: (used / (answers.length * TOKENS)) * MICROSECONDS };
}

function burst(bench: BenchCluster, tokens: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: MAX_RUNNING }, (_, seed) => bench.chat(seed, tokens)));
}

/** At level 3 each token is in a span of each choice; below it a request has its slices. */
function faultOfSpans(rounds: readonly Map<number, Measured>[], level: number): string | null {
  const requests = ROUNDS * MAX_RUNNING;
  const least = level >= 3 ? requests * (TOKENS - 1) : requests * 10;
  for (const round of rounds) {
    if (round.get(level)!.spans < least) return `${round.get(level)!.spans} spans came, at least ${least} should`;
    if (round.get(0)!.spans > 0) return 'spans came from the cluster that has tracing off';
  }
  return null;
}
