import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type LocalCluster, provideNatsServer, startCluster } from '@sliceway/local';
import { type ChatStream, streamChat } from '../chat-stream.js';
import { atLeast, type BenchResult, unless } from '../result.js';
import { describeInterval, medianInterval } from './median-interval.js';
import { Receiver } from './receiver.js';
import { TRACING_OFF, tracingTo } from './tracing-env.js';

const PAIRS = 10;
const STREAMS = 8;
const TOKENS = 48;
const LEVEL = 3;
const MIN_RATIO = 0.99;

interface Run {
  readonly tokensPerSecond: number;
  readonly streams: readonly ChatStream[];
}

/**
 * Tokens a second of a real model with everything traced against nothing, in two clusters at the same time: what else the machine does,
 * which may change by a third from one minute to the next, it does to both.
 */
export async function modelOverheadBench(modelPath: string): Promise<BenchResult> {
  const receiver = await Receiver.start();
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-bench-'));
  const clusters: LocalCluster[] = [];
  try {
    for (const [name, env] of Object.entries({ off: TRACING_OFF, on: tracingTo(receiver.url, LEVEL) }))
      clusters.push(await start(modelPath, join(folder, name), env));
    const [off, on] = clusters as [LocalCluster, LocalCluster];
    return await compare(off, on, basename(modelPath, '.gguf'), receiver);
  } finally {
    for (const cluster of clusters) await cluster.stop();
    await receiver.stop();
    rmSync(folder, { recursive: true });
  }
}

async function start(model: string, logDirectory: string, env: Record<string, string>): Promise<LocalCluster> {
  const nats = await provideNatsServer();
  return startCluster({
    model,
    port: 0,
    logDirectory,
    env: { SLICEWAY_BACKEND: 'wasm', ...env },
    ...('url' in nats ? { natsUrl: nats.url } : { natsServer: nats.binary }),
  });
}

async function compare(off: LocalCluster, on: LocalCluster, model: string, receiver: Receiver): Promise<BenchResult> {
  const [offRuns, onRuns] = await Promise.all([loads(off, model), loads(on, model)]);
  const pairs = offRuns.map((run, i) => ({ off: run, on: onRuns[i]! }));
  const interval = medianInterval(pairs.map((pair) => pair.on.tokensPerSecond / pair.off.tokensPerSecond));
  const rate = (key: 'off' | 'on'): string =>
    medianInterval(pairs.map((pair) => pair[key].tokensPerSecond)).median.toFixed(1);
  const note = `${rate('on')} against ${rate('off')} tokens/s; ${describeInterval(interval, PAIRS)}`;
  const result = atLeast(
    `tracing: tokens/s of ${model} at level ${LEVEL}, against off`,
    interval.median,
    MIN_RATIO,
    note,
  );
  const { spans } = await receiver.counts();
  const least = PAIRS * STREAMS * (TOKENS - 1);
  return unless(faultOf(pairs) ?? (spans < least ? `${spans} spans came, at least ${least} should` : null), result);
}

/** One after another, without those at both ends: there the other cluster may have the machine for itself. */
async function loads(cluster: LocalCluster, model: string): Promise<Run[]> {
  const runs: Run[] = [];
  for (let i = 0; i < PAIRS + 2; i++) runs.push(await load(cluster, model));
  return runs.slice(1, -1);
}

async function load(cluster: LocalCluster, model: string): Promise<Run> {
  const startMs = performance.now();
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, (_, i) => streamChat(cluster.gatewayUrl, model, `Count to ${i + 5}.`, TOKENS)),
  );
  return { tokensPerSecond: (STREAMS * TOKENS * 1000) / (performance.now() - startMs), streams };
}

function faultOf(pairs: readonly { off: Run; on: Run }[]): string | null {
  const differs = pairs.some(({ off, on }) => off.streams.some(({ text }, i) => text !== on.streams[i]!.text));
  if (differs) return 'tracing changes the texts';
  const isShort = pairs.some(({ on }) => on.streams.some(({ completionTokens }) => completionTokens !== TOKENS));
  return isShort ? `an answer has not ${TOKENS} tokens` : null;
}
