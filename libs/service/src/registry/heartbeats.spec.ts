import { WorkerState, subjects, type Heartbeat } from '@sliceway/protocol';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceConfig } from '../config/service.schema.js';
import { identity } from '../identity.config.js';
import type { MessageClient } from '../nats/message-client.js';
import { NO_LOAD, ServiceStatus } from '../service-status.js';
import { Heartbeats } from './heartbeats.js';
import { PeerRegistry } from './peer-registry.js';

const peer = (instance: string, over: Partial<Heartbeat> = {}): Heartbeat => ({
  role: 'prefill',
  instance,
  sequence: 0,
  state: WorkerState.ready,
  intervalMs: 50,
  host: 'h',
  pid: 1,
  startedAtMs: 1,
  load: NO_LOAD,
  serves: null,
  ...over,
});

describe('Heartbeats', () => {
  let sent: Heartbeat[];
  let status: ServiceStatus;
  let peers: PeerRegistry;
  let heartbeats: Heartbeats;

  const setUp = (intervalMs: number): void => {
    sent = [];
    status = new ServiceStatus('decode');
    peers = new PeerRegistry();
    const config = { SLICEWAY_HEARTBEAT_INTERVAL_MS: intervalMs } as ServiceConfig;
    const messages = {
      emit: (subject: string, beat: Heartbeat) => {
        expect(subject).toBe(subjects.heartbeat);
        sent.push(beat);
      },
    };
    heartbeats = new Heartbeats(config, status, peers, messages as unknown as MessageClient);
  };
  afterEach(() => heartbeats.stop());

  it('beats at once and every interval, numbered', async () => {
    setUp(50);
    heartbeats.start();
    expect(sent).toMatchObject([{ sequence: 0, role: 'decode', instance: identity.instance, intervalMs: 50 }]);
    await sleep(180);
    expect(sent.length).toBeGreaterThanOrEqual(3);
    expect(sent.map(({ sequence }) => sequence)).toEqual(sent.map((_, i) => i));
  });

  it('tells a change of state at once; ready, but unable to serve, is starting', () => {
    setUp(10_000);
    const reasons: string[] = [];
    status.addReadinessCheck(() => reasons[0]);
    status.become(WorkerState.ready);
    expect(sent).toEqual([]);
    heartbeats.start();
    reasons.push('no connection');
    heartbeats.beat();
    status.become(WorkerState.draining);
    status.become(WorkerState.draining);
    expect(sent.map(({ state }) => state)).toEqual(['ready', 'starting', 'draining']);
  });

  it('reads the beats that wait before it takes a peer for lost', async () => {
    setUp(50);
    const server = createServer((socket) => {
      // Sent while the event loop stands still.
      socket.write('beat');
      const untilMs = performance.now() + 90;
      while (performance.now() < untilMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const gone: string[] = [];
    peers.listen({ onGone: ({ instance }) => gone.push(instance) });
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('data', () => peers.take(peer('0000000a', { sequence: 1, intervalMs: 20 })));
    peers.take(peer('0000000a', { intervalMs: 20 }));
    heartbeats.start();
    await once(socket, 'data');
    await new Promise((resolve) => setImmediate(resolve));
    expect(gone).toEqual([]);
    socket.destroy();
    server.close();
  });

  it('greets newcomers with one beat together, and not itself or whom it knows', async () => {
    setUp(10_000);
    heartbeats.start();
    peers.take(peer(identity.instance));
    await sleep(80);
    expect(sent).toHaveLength(1);
    for (const instance of ['0000000a', '0000000b', '0000000c']) peers.take(peer(instance));
    expect(sent).toHaveLength(1);
    await sleep(80);
    expect(sent).toHaveLength(2);
    peers.take(peer('0000000a', { sequence: 1 }));
    await sleep(80);
    expect(sent).toHaveLength(2);
    peers.take(peer('0000000d'));
    await sleep(80);
    expect(sent).toHaveLength(3);
  });

  it('drops peers that missed three beats', async () => {
    setUp(50);
    heartbeats.start();
    peers.take(peer('0000000a', { intervalMs: 200 }));
    await sleep(150);
    expect(peers.list('prefill')).toHaveLength(1);
    await sleep(700);
    expect(peers.list('prefill')).toEqual([]);
  });

  it('says nothing after it was stopped, also not to those who were to be greeted', async () => {
    setUp(50);
    heartbeats.start();
    peers.take(peer('0000000a'));
    heartbeats.stop();
    peers.take(peer('0000000b'));
    status.become(WorkerState.draining);
    await sleep(120);
    expect(sent).toHaveLength(1);
  });
});
