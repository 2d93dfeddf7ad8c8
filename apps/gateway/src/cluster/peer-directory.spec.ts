import { WorkerState, type Heartbeat } from '@sliceway/protocol';
import { NO_LOAD, PeerRegistry } from '@sliceway/service';
import { worker } from '../routing/worker.fixture.js';
import { PeerDirectory } from './peer-directory.js';

const SELF = '000000aa';

const beat = (instance: string, sequence: number, over: Partial<Heartbeat> = {}): Heartbeat => ({
  role: 'decode',
  instance,
  sequence,
  state: WorkerState.ready,
  intervalMs: 1000,
  host: 'h',
  pid: 1,
  startedAtMs: 1,
  load: NO_LOAD,
  serves: worker(instance).serves,
  ...over,
});

function setUp() {
  const peers = new PeerRegistry();
  const directory = new PeerDirectory(peers, SELF);
  const hear = (instance: string, sequence: number) => peers.take(beat(instance, sequence));
  const hearMyself = (sequence: number) => peers.take(beat(SELF, sequence, { role: 'gateway', serves: null }));
  const ready = () => directory.ready('decode').map(({ instance }) => instance);
  return { peers, directory, hear, hearMyself, ready };
}

describe('PeerDirectory', () => {
  it('has those that are ready and serve a model', () => {
    const { peers, hear, ready } = setUp();
    hear('00000001', 0);
    peers.take(beat('00000002', 0, { serves: null }));
    peers.take(beat('00000003', 0, { state: WorkerState.draining }));
    peers.take(beat('00000004', 0, { role: 'prefill' }));
    expect(ready()).toEqual(['00000001']);
  });

  it('has nobody while nats-server is away, and then those it has heard again', () => {
    const { directory, hear, hearMyself, ready } = setUp();
    hear('00000001', 0);
    hear('00000002', 0);
    hearMyself(0);
    directory.onBrokerLost();
    expect(ready()).toEqual([]);
    directory.onBrokerBack();
    hear('00000001', 1);
    expect(ready()).toEqual([]);
    hearMyself(1);
    expect(ready()).toEqual(['00000001']);
    hear('00000003', 0);
    hear('00000002', 1);
    expect(ready()).toEqual(['00000001', '00000002', '00000003']);
  });
});
