import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atLeast, type BenchResult, unless } from '../result.js';
import { BenchCluster } from '../service/bench-cluster.js';
import { readChat } from '../service/stream-client.js';
import { describeInterval, medianInterval } from './median-interval.js';
import { Receiver } from './receiver.js';
import { SETTLED_MS, setTraceLevel, tracingTo } from './tracing-env.js';

const PAIRS = 60;
const WARM_UPS = 2;
const TOKENS = 96;
const LEVEL = 3;
const MIN_RATIO = 0.99;

interface Run {
  readonly tokensPerSecond: number;
  readonly text: string;
  readonly spans: number;
}

interface Pair {
  readonly off: Run;
  readonly on: Run;
}

/**
 * Tokens a second of a real model with everything traced against no request traced, one answer at a time, so that a step's own spans
 * fall on a single token. It is one cluster whose level changes from answer to answer: two that trace nothing differ by more than
 * this is about, and one does from minute to minute.
 */
export async function modelOverheadBench(modelPath: string): Promise<BenchResult> {
  const receiver = await Receiver.start();
  try {
    const bench = await BenchCluster.start(tracingTo(receiver.url, LEVEL), modelPath);
    try {
      return compare(await measure(bench, receiver), basename(modelPath, '.gguf'));
    } finally {
      await bench.stop();
    }
  } finally {
    await receiver.stop();
  }
}

async function measure(bench: BenchCluster, receiver: Receiver): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let i = 0; i < WARM_UPS + PAIRS; i++) {
    const isOffFirst = i % 2 === 0;
    const first = await run(bench, receiver, isOffFirst ? 0 : LEVEL);
    const second = await run(bench, receiver, isOffFirst ? LEVEL : 0);
    pairs.push(isOffFirst ? { off: first, on: second } : { off: second, on: first });
  }
  return pairs.slice(WARM_UPS);
}

async function run(bench: BenchCluster, receiver: Receiver, level: number): Promise<Run> {
  await setTraceLevel(bench.cluster.gatewayUrl, level);
  const before = (await receiver.counts()).spans;
  const answer = await bench.chat(0, TOKENS);
  await sleep(SETTLED_MS);
  const { text, tokens } = readChat(answer);
  const seconds = (answer.endMs - answer.startMs) / 1000;
  return { tokensPerSecond: tokens / seconds, text, spans: (await receiver.counts()).spans - before };
}

function compare(pairs: readonly Pair[], model: string): BenchResult {
  const median = (of: (pair: Pair) => number): number => medianInterval(pairs.map(of)).median;
  const ratio = medianInterval(pairs.map(({ off, on }) => on.tokensPerSecond / off.tokensPerSecond));
  const rates = [median(({ on }) => on.tokensPerSecond), median(({ off }) => off.tokensPerSecond)];
  const name = `tracing: tokens/s of ${model} at level ${LEVEL}, against level 0`;
  const note = `${rates.map((rate) => rate.toFixed(1)).join(' against ')} tokens/s; ${describeInterval(ratio, PAIRS)}`;
  const fault = faultOf(
    pairs,
    median(({ on }) => on.spans),
    median(({ off }) => off.spans),
  );
  return unless(fault, atLeast(name, ratio.median, MIN_RATIO, note));
}

/** Spans of most runs: on a busy machine some come later, in the next run. */
function faultOf(pairs: readonly Pair[], traced: number, untraced: number): string | null {
  if (pairs.some(({ off, on }) => off.text !== on.text)) return 'tracing changes the texts';
  if (traced < TOKENS) return `${traced} spans came, at least ${TOKENS} should`;
  // HTTP spans are of no level.
  return untraced > 2 ? `${untraced} spans came at level 0` : null;
}
