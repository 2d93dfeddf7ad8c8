import assert from 'node:assert/strict';
import { ask, askBothWays, servedModel } from '../ask-cluster.fixture.js';
import type { Check } from '../end-to-end.fixture.js';
import { until } from '../until.fixture.js';
import { expectWholeTrace } from '../whole-trace.fixture.js';
import type { KubeCluster } from './kube-cluster.js';
import { Load } from './load.js';

const TIMEOUT_MS = 60_000;
const CLIENTS = 3;
const LOAD_TOKENS = 24;

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/** Run in a pod: asks at the gateway's Service, and tries what network policies forbid. */
const IN_THE_CLUSTER = `
  const { connect } = require('node:net');
  const reaches = (host, port) => new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3000 });
    const end = (answer) => { socket.destroy(); resolve(answer); };
    socket.once('connect', () => end(true)).once('timeout', () => end(false)).once('error', () => end(false));
  });
  (async () => {
    const body = { model: process.argv[1], messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4, ignore_eos: true };
    const response = await fetch('http://gateway:8000/v1/chat/completions', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
    const { usage } = await response.json();
    const reached = { nats: await reaches('nats', 4222), collector: await reaches('collector', 4317) };
    process.stdout.write(JSON.stringify({ status: response.status, tokens: usage?.completion_tokens, reached }));
  })();
`;

const answers: Check<KubeCluster> = async (cluster, say) => {
  const model = await servedModel(cluster);
  say(`chat with ${model}, streamed and not: ${JSON.stringify(await askBothWays(cluster, 12))}`);
  const output = await cluster.kubectl('exec', 'deployment/client', '--', 'node', '--eval', IN_THE_CLUSTER, model);
  const { status, tokens, reached } = JSON.parse(output) as {
    status: number;
    tokens: number;
    reached: Record<string, boolean>;
  };
  assert.deepEqual([status, tokens], [200, 4]);
  say('a pod asks at http://gateway:8000, the Service, and is answered');
  const open = Object.keys(reached).filter((name) => reached[name]);
  if (open.length > 0) say(`this cluster enforces no network policies: the same pod reaches ${open.join(' and ')}`);
  else say('network policies are enforced: the same pod reaches neither NATS nor the collector');
};

const traced: Check<KubeCluster> = async (cluster, say) => {
  const { rid } = await ask(cluster, { maxTokens: 8 });
  const count = await expectWholeTrace(rid, { file: () => cluster.traceFile(), jaeger: cluster.jaeger });
  say(`its trace is whole, and the same in Jaeger: ${count} spans of all services`);
};

/** Every decode worker is replaced while streams run on them. */
const restarts: Check<KubeCluster> = async (cluster, say) => {
  const old = (await cluster.pods('decode')).map(({ name }) => name);
  const load = await startedLoad(cluster);
  const startMs = performance.now();
  await cluster.kubectl('rollout', 'restart', 'deployment/decode');
  await cluster.untilRolledOut('decode');
  await cluster.untilReplaced('decode', old, old.length);
  const took = seconds(startMs);
  const answered = await load.stop();
  say(
    `rolling restart of ${old.length} decode pods in ${took}: all of ${answered} streams whole, ${LOAD_TOKENS} tokens each`,
  );
};

/** It has two seconds after SIGTERM, and no time to drain: what it still computes then is lost, and computed again elsewhere. */
const replaces: Check<KubeCluster> = async (cluster, say) => {
  const before = await cluster.pods('prefill');
  const { name } = before[0]!;
  const load = await startedLoad(cluster);
  const startMs = performance.now();
  await cluster.kubectl('delete', 'pod', name, '--grace-period=0', '--force');
  await cluster.untilReplaced('prefill', [name], before.length);
  const after = await cluster.pods('prefill');
  const took = seconds(startMs);
  const answered = await load.stop();
  const replacement = after.find((pod) => before.every((other) => other.name !== pod.name));
  assert.notEqual(replacement, undefined);
  say(
    `${name} was deleted by force: ${replacement!.name} is ready in its place after ${took}; all of ${answered} streams whole`,
  );
};

/** Load that has answers already. */
async function startedLoad(cluster: KubeCluster): Promise<Load> {
  const { texts } = await ask(cluster, { maxTokens: LOAD_TOKENS });
  const load = new Load(cluster, CLIENTS, LOAD_TOKENS, texts[0]!);
  await until('streams are under way', TIMEOUT_MS, async () => load.answered >= CLIENTS).catch(
    async (error: unknown) => {
      await load.stop();
      throw error;
    },
  );
  return load;
}

export const CHECKS: readonly Check<KubeCluster>[] = [answers, traced, restarts, replaces];
