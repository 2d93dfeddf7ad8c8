import assert from 'node:assert/strict';
import { ROLES } from '@sliceway/protocol';
import { ask, askBothWays, servedModel } from '../ask-cluster.fixture.js';
import type { Check } from '../end-to-end.fixture.js';
import { docker } from '../run-command.fixture.js';
import { until } from '../until.fixture.js';
import { expectWholeTrace } from '../whole-trace.fixture.js';
import { type ComposeCluster, serviceOf } from './compose-cluster.js';
import { type Container, inspect } from './docker.js';

const TIMEOUT_MS = 60_000;
/** Long enough to be stopped in, on a slow machine as well. */
const LONG_TOKENS = 120;

/** Services that people look at. */
const PUBLISHED = ['gateway', 'grafana', 'jaeger', 'prometheus'];

/** The containers are what compose.yaml promises. */
const hardened: Check<ComposeCluster> = async (cluster, say) => {
  const containers = await cluster.containers();
  for (const container of containers) {
    const { HostConfig, Config, NetworkSettings } = container;
    const { ReadonlyRootfs, CapDrop, SecurityOpt } = HostConfig;
    const found = { ReadonlyRootfs, CapDrop, SecurityOpt };
    assert.deepEqual(
      found,
      { ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true'] },
      container.Name,
    );
    assert.match(Config.User, /^[1-9]\d*:\d+$/, `${container.Name} runs as ${Config.User || 'root'}`);
    const published = Object.values(NetworkSettings.Ports).some((bindings) => bindings !== null && bindings.length > 0);
    assert.equal(published, PUBLISHED.includes(serviceOf(container)), container.Name);
  }
  say(
    `${containers.length} containers: no root, no capabilities, read-only; no ports but those of ${PUBLISHED.join(', ')}`,
  );
};

const answers: Check<ComposeCluster> = async (cluster, say) => {
  say(`the model is served as ${await servedModel(cluster)}`);
  say(`chat, streamed and not: ${JSON.stringify(await askBothWays(cluster, 12))}`);
};

const traced: Check<ComposeCluster> = async (cluster, say) => {
  const { rid } = await ask(cluster, { maxTokens: 8 });
  const count = await expectWholeTrace(rid, { file: () => cluster.traceFile(), jaeger: cluster.jaeger });
  say(`its trace is whole, and the same in Jaeger: ${count} spans of all services`);
};

interface Targets {
  readonly data: {
    readonly activeTargets: readonly {
      readonly labels: { readonly job: string; readonly role?: string };
      readonly health: string;
    }[];
  };
}

const scraped: Check<ComposeCluster> = async (cluster, say) => {
  const wanted = new Map<string, number>();
  for (const role of ROLES) wanted.set(role, (await cluster.containers(role)).length);
  let seen = '';
  await until('Prometheus scrapes all services', TIMEOUT_MS, async () => {
    const { data } = (await (await fetch(`${cluster.prometheus}/api/v1/targets?state=active`)).json()) as Targets;
    const up = data.activeTargets
      .filter(({ health }) => health === 'up')
      .map(({ labels }) => labels.role ?? labels.job);
    const counts = ROLES.map((role) => [role, up.filter((name) => name.includes(role)).length] as const);
    seen = counts.map(([role, count]) => `${role} ${count}`).join(', ');
    return counts.every(([role, count]) => count === wanted.get(role));
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: it has ${seen}`);
  });
  say(`Prometheus scrapes ${seen}`);
};

/** SIGTERM to one of the decode workers: what runs there ends first. */
const drains: Check<ComposeCluster> = async (cluster, say) => {
  let isStopping: () => void;
  const running = new Promise<void>((resolve) => (isStopping = resolve));
  let started = 0;
  const streams = Array.from({ length: 4 }, () => {
    let isFirst = true;
    const onEvent = (): void => {
      if (isFirst && ++started === 4) isStopping();
      isFirst = false;
    };
    return ask(cluster, { maxTokens: LONG_TOKENS, onEvent });
  });
  await Promise.race([running, Promise.all(streams)]);
  const [{ Id, Name }] = (await cluster.containers('decode')) as [Container];
  const startMs = performance.now();
  await docker('stop', '--time', '45', Id);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  await Promise.all(streams);
  const [{ State }] = (await inspect([Id])) as [Container];
  assert.equal(State.ExitCode, 0, `${Name} ended with ${State.ExitCode}`);
  say(`docker stop of ${Name.slice(1)}: drained in ${seconds} s, all of 4 streams whole, ${LONG_TOKENS} tokens each`);
  await ask(cluster, { maxTokens: 4, stream: false });
  await docker('start', Id);
  await cluster.untilHealthy();
};

const restarts: Check<ComposeCluster> = async (cluster, say) => {
  const [{ Id, Name }] = (await cluster.containers('prefill')) as [Container];
  const restarted = docker('restart', '--time', '45', Id);
  let served = 0;
  let isBack = false;
  void restarted.then(
    () => (isBack = true),
    () => (isBack = true),
  );
  while (!isBack) {
    await ask(cluster, { maxTokens: 4 });
    served++;
  }
  await restarted;
  await cluster.untilHealthy();
  await ask(cluster, { maxTokens: 4, stream: false });
  say(`docker restart of ${Name.slice(1)}: ${served} requests were served meanwhile`);
};

export const CHECKS: readonly Check<ComposeCluster>[] = [hardened, answers, traced, scraped, drains, restarts];
