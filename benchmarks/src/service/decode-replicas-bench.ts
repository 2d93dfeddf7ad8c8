import { type BenchResult, printed, unless } from '../result.js';
import type { BenchCluster } from './bench-cluster.js';
import { coresBusy, describeCores } from './cpu-sample.js';
import { faultOf } from './fault.js';
import { goodput } from './goodput.js';
import { closedLoop } from './load.js';
import { readChat } from './stream-client.js';

const STREAMS = 32;
const TOKENS = 400;
/** A new worker's heartbeat has come, and the router has found it, well before. */
const WARM_UP_MS = 1500;
const MEASURE_MS = 2500;
/** Less than this is a replica that got no requests. */
const MIN_CORES = 0.05;

interface Run {
  readonly tokensPerSecond: number;
  readonly cores: ReadonlyMap<string, number>;
  /** By seed. */
  readonly texts: ReadonlyMap<number, string>;
  readonly fault: string | null;
}

/** Tokens a second of one decode process, of two, and of one again: the machine may drift from the first run to the last. */
export async function decodeReplicasBench(bench: BenchCluster): Promise<BenchResult> {
  const before = await measure(bench);
  const second = await bench.cluster.startProcess('decode');
  const two = await measure(bench);
  second.kill('SIGTERM');
  await second.exited;
  const after = await measure(bench);

  const one = (before.tokensPerSecond + after.tokensPerSecond) / 2;
  const rates = `${two.tokensPerSecond.toFixed(0)} against ${one.toFixed(0)} tokens/s`;
  const note = `${rates}; 1: ${describeCores(before.cores)}; 2: ${describeCores(two.cores)}`;
  const name = `tokens/s, ${STREAMS} streams, 2 decode replicas against 1`;
  return unless(faultOfRuns(before, two, after), printed(name, two.tokensPerSecond / one, note));
}

async function measure(bench: BenchCluster): Promise<Run> {
  const fromMs = performance.now() + WARM_UP_MS;
  const cores = coresBusy(bench.cluster, WARM_UP_MS, MEASURE_MS);
  const seeds: number[] = [];
  const answers = await closedLoop(STREAMS, WARM_UP_MS + MEASURE_MS, async (index) => {
    const seed = index % STREAMS;
    const answer = await bench.chat(seed, TOKENS);
    seeds.push(seed);
    return answer;
  });
  const fault = faultOf(answers, TOKENS);
  return {
    tokensPerSecond: goodput(answers, TOKENS, { fromMs, toMs: fromMs + MEASURE_MS }),
    cores: await cores,
    texts: new Map(fault === null ? answers.map((answer, i) => [seeds[i]!, readChat(answer).text]) : []),
    fault,
  };
}

function faultOfRuns(before: Run, two: Run, after: Run): string | null {
  const runs = [before, two, after];
  const fault = runs.find((run) => run.fault !== null)?.fault;
  if (fault !== undefined) return fault;
  if ((two.cores.get('second decode') ?? 0) < MIN_CORES) return 'the second replica had nothing to do';
  const differ = runs.some(({ texts }) => [...texts].some(([seed, text]) => text !== before.texts.get(seed)));
  return differ ? 'a second replica changes the texts' : null;
}
