import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterProcess } from '@sliceway/local';
import type { ClusterFixture, Connection } from './cluster.fixture.js';

/** Gauges of what requests hold; each service has its own of them. */
const HELD = [
  'sliceway_requests_active',
  'sliceway_running',
  'sliceway_waiting',
  'sliceway_queued_tokens',
  'sliceway_kv_pages_used',
  'sliceway_kv_transfers_open',
  'sliceway_gateway_queued_requests',
  'sliceway_gateway_queued_tokens',
];
/** Often enough; each look asks every process, which costs them time. */
const POLL_MS = 50;

interface Health {
  readonly load: Readonly<Record<string, number>>;
  readonly peers: Readonly<Record<string, readonly { readonly instance: string; readonly state: string }[]>>;
}

/** By service and purpose: the subscriptions of each connection to the broker. */
export type Subscriptions = readonly string[];

/** What a cluster has when nothing runs; instances are left out, since processes come and go. */
export function subscriptionsOf(connections: readonly Connection[]): Subscriptions {
  return connections
    .filter(({ name }) => name?.startsWith('sliceway-'))
    .map(({ name, subscriptions_list = [] }) => `${name!.replace(/-[0-9a-f]{8}-/, ' ')}: ${subscriptions_list.length}`)
    .sort();
}

/** Waits until nothing is left of any request. @param ended processes that were meant to end */
export async function expectQuiet(
  fixture: ClusterFixture,
  subscriptions: Subscriptions,
  ended: ReadonlySet<ClusterProcess>,
  timeoutMs = 5000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  const look = async (): Promise<string[]> => [
    ...fixture.cluster.processes
      .filter((each) => !each.isRunning && !ended.has(each))
      .map(({ name }) => `${name} died`),
    ...(await Promise.all(fixture.running.map((each) => leftIn(fixture, each)))).flat(),
    ...difference(subscriptions, subscriptionsOf(await fixture.connections())),
  ];
  let left = await look();
  while (left.length > 0 && performance.now() < deadlineMs) {
    await sleep(POLL_MS);
    left = await look();
  }
  expect(left).toEqual([]);
}

async function leftIn(fixture: ClusterFixture, process: ClusterProcess): Promise<string[]> {
  const [metrics, health] = await Promise.all([metricsOf(process), healthOf(process)]);
  const held = HELD.map((name) => [name, sum(metrics, name)] as const);
  const load = ['running', 'waiting', 'queuedTokens', 'kvPagesUsed'].map((name) => [name, health.load[name]!] as const);
  const left = [...held, ...load]
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => `${process.name} ${name}: ${value}`);
  const known = Object.values(health.peers)
    .flat()
    .filter(({ state }) => state === 'ready')
    .map(({ instance }) => instance);
  const strangers = difference(fixture.running.map(({ instance }) => instance).sort(), known.sort());
  left.push(...strangers.map((each) => `${process.name} peers: ${each}`));
  if (process.role !== 'gateway') return left;
  // Each request was refused, or accepted and has exactly one end.
  const accepted = sum(metrics, 'sliceway_accepted_requests_total');
  const ends = sum(metrics, 'sliceway_requests_total');
  if (accepted !== ends) left.push(`${process.name}: ${accepted} accepted, ${ends} ends`);
  const refusals = sum(metrics, 'sliceway_refused_requests_total');
  const sent = fixture.sent.get(process) ?? 0;
  if (ends + refusals !== sent) left.push(`${process.name}: ${sent} requests, ${ends} ends and ${refusals} refusals`);
  return left;
}

export async function healthOf({ url }: ClusterProcess): Promise<Health> {
  return (await (await fetch(`${url}/health`)).json()) as Health;
}

async function metricsOf({ url }: ClusterProcess): Promise<string[]> {
  return (await (await fetch(`${url}/metrics`)).text()).split('\n');
}

function sum(lines: readonly string[], name: string): number {
  return lines
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** What is missing from a sorted list, and what is too much. */
function difference(wanted: readonly string[], found: readonly string[]): string[] {
  const rest = [...found];
  const missing = wanted.filter((each) => {
    const at = rest.indexOf(each);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [...missing.map((each) => `missing ${each}`), ...rest.map((each) => `too much: ${each}`)];
}
