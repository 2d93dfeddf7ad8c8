import { atLeast, atMost, type BenchResult, unless } from '../result.js';
import { type BenchCluster, MAX_RUNNING } from './bench-cluster.js';
import { coresBusy, describeCores } from './cpu-sample.js';
import { faultOf } from './fault.js';
import { goodput, latencyMs, startedIn, type Window } from './goodput.js';
import { closedLoop, openLoop } from './load.js';
import type { Answer } from './stream-client.js';

/** Long answers: what is refused must not be most of the work. */
const TOKENS = 400;
const OVERLOAD = 4;
const WARM_UP_MS = 2000;
const PEAK_MS = 4000;
const OVERLOAD_MS = 6000;
const MAX_MS_TO_429 = 100;
/**
 * At its peak every client has a place in the batch. Under overload the gateway's queue, two requests for each place, is
 * always full, so that an answer takes three times as long by design; a quarter of it is left to chance.
 */
const MAX_LATENCY_RATIO = 3.75;

interface Load {
  readonly answers: readonly Answer[];
  readonly window: Window;
  readonly tokensPerSecond: number;
  readonly cores: string;
}

/** As many clients as the batch has places, then four times as many requests as they got done, then the clients again. */
export async function overloadBench(bench: BenchCluster): Promise<BenchResult[]> {
  const send = (index: number): Promise<Answer> => bench.chat(index, TOKENS);
  const atPeak = (): Promise<Load> =>
    measure(bench, PEAK_MS, (durationMs) => closedLoop(MAX_RUNNING, durationMs, send));
  const first = await atPeak();
  const offered = OVERLOAD * (first.tokensPerSecond / TOKENS);
  const over = await measure(bench, OVERLOAD_MS, (durationMs) => openLoop(offered, durationMs, send));
  const last = await atPeak();

  const peak = (first.tokensPerSecond + last.tokensPerSecond) / 2;
  const peakAnswers = [first, last].flatMap(({ answers, window }) => startedIn(answers, window));
  const inWindow = startedIn(over.answers, over.window);
  const accepted = inWindow.filter(({ status }) => status === 200);
  const refused = inWindow.filter(({ status }) => status === 429);
  const fault = faultOf([...first.answers, ...last.answers], TOKENS) ?? faultOfOverload(over.answers);
  const counts = `${offered.toFixed(0)} requests/s offered, ${refused.length} of ${inWindow.length} refused`;
  return [
    atLeast(
      `goodput at ${OVERLOAD} times the capacity, against its peak`,
      over.tokensPerSecond / peak,
      0.9,
      `${over.tokensPerSecond.toFixed(0)} against ${peak.toFixed(0)} tokens/s; ${counts}; ${over.cores}`,
    ),
    atMost('ms to a 429, p99', latencyMs(refused, 99), MAX_MS_TO_429, describeLatency(refused)),
    atMost(
      'latency of what was accepted, p99, against its peak',
      latencyMs(accepted, 99) / latencyMs(peakAnswers, 99),
      MAX_LATENCY_RATIO,
      `${describeLatency(accepted)} against ${describeLatency(peakAnswers)}`,
    ),
  ].map((result) => unless(fault, result));
}

function describeLatency(answers: readonly Answer[]): string {
  const [p50, p99] = [50, 99].map((percent) => latencyMs(answers, percent).toFixed(0));
  return `${p99} ms (p50 ${p50})`;
}

async function measure(
  { cluster }: BenchCluster,
  durationMs: number,
  load: (durationMs: number) => Promise<Answer[]>,
): Promise<Load> {
  const fromMs = performance.now() + WARM_UP_MS;
  const window = { fromMs, toMs: fromMs + durationMs };
  const [answers, cores] = await Promise.all([
    load(WARM_UP_MS + durationMs),
    coresBusy(cluster, WARM_UP_MS, durationMs),
  ]);
  return { answers, window, tokensPerSecond: goodput(answers, TOKENS, window), cores: describeCores(cores) };
}

/** Everybody gets a whole answer or a proper 429. */
function faultOfOverload(answers: readonly Answer[]): string | null {
  const refused = answers.filter(({ status }) => status === 429);
  if (refused.length === 0) return 'nothing was refused, so that was no overload';
  if (refused.some(({ retryAfter, body }) => !(Number(retryAfter) > 0) || !body.includes('"error"')))
    return 'a 429 without Retry-After or an error';
  const others = answers.filter(({ status }) => status !== 429);
  return faultOf(others, TOKENS);
}
