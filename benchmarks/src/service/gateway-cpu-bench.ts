import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type BenchResult, printed, unless } from '../result.js';
import type { CpuReply, Script } from './bare-sse-server.js';
import type { BenchCluster } from './bench-cluster.js';
import { cpuSeconds } from './cpu-sample.js';
import { faultOf } from './fault.js';
import { type Answer, eventsOf, StreamClient } from './stream-client.js';

const STREAMS = 16;
const TOKENS = 440;
const WARM_UP_ROUNDS = 2;
const ROUNDS = 4;
const MICROSECONDS = 1e6;

/** One of the two servers. */
interface Subject {
  stream(seed: number): Promise<Answer>;
  cpuSeconds(): Promise<number>;
}

interface Cost {
  readonly microsecondsPerToken: number;
  readonly answers: readonly Answer[];
}

/**
 * CPU time of the gateway's process for each token that it streams, whole requests, against a server that only writes: the same
 * events, as often, to as many clients.
 */
export async function gatewayCpuBench(bench: BenchCluster): Promise<BenchResult> {
  const { gatewayUrl } = bench.cluster;
  const gateway = await costOf({
    stream: (seed) => bench.chat(seed, TOKENS),
    cpuSeconds: () => cpuSeconds(gatewayUrl),
  });
  const model = gateway.answers[0]!;
  const events = eventsOf(model);
  const bare = await bareCost({ events, intervalMs: (model.endMs - model.firstMs) / events.length });
  const note =
    `${gateway.microsecondsPerToken.toFixed(1)} against ${bare.microsecondsPerToken.toFixed(1)} us, ` +
    `${events.length} events of ${(model.body.length / events.length).toFixed(0)} bytes for ${TOKENS} tokens`;
  const ratio = gateway.microsecondsPerToken / bare.microsecondsPerToken;
  const isSame = bare.answers.every(({ status, body }) => status === 200 && body.equals(model.body));
  const fault = faultOf(gateway.answers, TOKENS) ?? (isSame ? null : 'the bare server streams something else');
  return unless(fault, printed(`gateway CPU a token, ${STREAMS} streams, against a bare SSE server`, ratio, note));
}

async function bareCost(script: Script): Promise<Cost> {
  const child = fork(fileURLToPath(new URL('bare-sse-server.js', import.meta.url)));
  const ask = async <T>(message: Script | 'cpu'): Promise<T> => {
    child.send(message);
    return ((await once(child, 'message')) as [T])[0];
  };
  try {
    const client = new StreamClient(`http://127.0.0.1:${await ask<number>(script)}`);
    const cost = await costOf({
      stream: (seed) => client.post('/', { seed }),
      cpuSeconds: async () => (await ask<CpuReply>('cpu')).cpuSeconds,
    });
    client.close();
    return cost;
  } finally {
    child.disconnect();
  }
}

async function costOf(subject: Subject): Promise<Cost> {
  const round = (): Promise<Answer[]> =>
    Promise.all(Array.from({ length: STREAMS }, (_, seed) => subject.stream(seed)));
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await round();
  const before = await subject.cpuSeconds();
  const answers: Answer[] = [];
  for (let i = 0; i < ROUNDS; i++) answers.push(...(await round()));
  const used = (await subject.cpuSeconds()) - before;
  return { microsecondsPerToken: (used / (ROUNDS * STREAMS * TOKENS)) * MICROSECONDS, answers };
}
