import { WorkerState, type Heartbeat } from '@sliceway/protocol';
import { identity } from '../identity.config.js';
import { NO_LOAD } from '../service-status.js';
import { PeerRegistry } from './peer-registry.js';

const beat = (over: Partial<Heartbeat> = {}): Heartbeat => ({
  role: 'decode',
  instance: '0000000a',
  sequence: 0,
  state: WorkerState.ready,
  intervalMs: 1000,
  host: 'h',
  pid: 1,
  startedAtMs: 100,
  load: NO_LOAD,
  serves: null,
  ...over,
});

describe('PeerRegistry', () => {
  let now = 0;
  let events: string[] = [];
  let registry: PeerRegistry;

  beforeEach(() => {
    now = 0;
    events = [];
    registry = new PeerRegistry(() => now);
    registry.listen({
      onJoined: ({ instance }) => events.push(`joined ${instance}`),
      onUpdated: ({ sequence }) => events.push(`updated ${sequence}`),
      onGone: ({ instance }, reason) => events.push(`${reason} ${instance}`),
    });
  });

  const passTo = (endMs: number): void => {
    while (now < endMs) {
      now = Math.min(now + 1000, endMs);
      registry.expire(1000);
    }
  };

  it('loses a peer after three intervals without a beat, not before', () => {
    registry.take(beat());
    passTo(3000);
    expect(registry.list('decode')).toHaveLength(1);
    passTo(3001);
    expect(registry.list('decode')).toHaveLength(0);
    expect(events).toEqual(['joined 0000000a', 'lost 0000000a']);
  });

  it('does not count the time in which it stood still itself', () => {
    registry.take(beat());
    passTo(1000);
    now = 60_000;
    registry.expire(1000);
    expect(registry.list('decode')).toHaveLength(1);
    passTo(63_000);
    expect(events).toEqual(['joined 0000000a', 'lost 0000000a']);
  });

  it('does not count the time in which nats-server was away, and leaves peers a while to come back', () => {
    const own = (sequence: number): void =>
      registry.take(beat({ instance: identity.instance, role: 'gateway', sequence }));
    own(0);
    registry.take(beat());
    passTo(10_000);
    expect(registry.list('decode')).toHaveLength(1);
    own(1);
    for (let sequence = 2; now < 14_000; sequence++) {
      passTo(now + 1000);
      own(sequence);
    }
    expect(registry.list('decode')).toHaveLength(1);
    for (let sequence = 10; now < 18_000; sequence++) {
      passTo(now + 1000);
      own(sequence);
    }
    expect(events.filter((event) => event.startsWith('lost'))).toEqual(['lost 0000000a']);
  });

  it('loses a peer in time while its own beats come', () => {
    registry.take(beat());
    for (let sequence = 0; now < 4000; sequence++) {
      registry.take(beat({ instance: identity.instance, role: 'gateway', sequence }));
      passTo(now + 1000);
    }
    expect(registry.list('decode')).toEqual([]);
  });

  it('holds a bounded number of peers', () => {
    for (let i = 0; i < 5000; i++) registry.take(beat({ instance: i.toString(16).padStart(8, '0') }));
    expect(registry.list('decode')).toHaveLength(4096);
    registry.take(beat({ instance: '00000001', sequence: 1 }));
    expect(registry.get('00000001')?.sequence).toBe(1);
  });

  it('ignores beats out of order', () => {
    registry.take(beat({ sequence: 5 }));
    registry.take(beat({ sequence: 4, state: WorkerState.draining }));
    registry.take(beat({ sequence: 6 }));
    expect(events).toEqual(['joined 0000000a', 'updated 6']);
    expect(registry.list('decode')).toHaveLength(1);
  });

  it('takes a restart under the same instance', () => {
    registry.take(beat({ sequence: 9 }));
    registry.take(beat({ sequence: 0, startedAtMs: 200 }));
    registry.take(beat({ sequence: 7, startedAtMs: 100 }));
    expect(events).toEqual(['joined 0000000a', 'restarted 0000000a', 'joined 0000000a']);
  });

  it('gives no work to a peer that said goodbye, and lets go of it two seconds later: its last frames may come until then', () => {
    registry.take(beat());
    registry.take(beat({ sequence: 1, state: WorkerState.stopped }));
    expect([registry.list('decode'), registry.list('decode', null)]).toEqual([[], []]);
    for (now = 500; now < 2000; now += 500) registry.expire(500);
    expect(events).toEqual(['joined 0000000a', 'updated 1']);
    registry.expire(500);
    expect(events).toEqual(['joined 0000000a', 'updated 1', 'left 0000000a']);
    registry.take(beat({ instance: '0000000b', state: WorkerState.stopped }));
    expect(events).toHaveLength(3);
  });

  it('lists the ready ones of a role', () => {
    registry.take(beat());
    registry.take(beat({ instance: '0000000b', state: WorkerState.draining }));
    registry.take(beat({ instance: '0000000c', role: 'prefill' }));
    expect(registry.list('decode').map(({ instance }) => instance)).toEqual(['0000000a']);
    expect(registry.list('decode', null)).toHaveLength(2);
  });
});
