import { InFlight } from './in-flight.js';
import { PowerOfTwo, RoundRobin } from './routing-policy.js';
import { worker } from './worker.fixture.js';
import { workerLoad } from './worker-load.js';

const a = worker('0000000a');
const b = worker('0000000b');
const c = worker('0000000c');

describe('RoundRobin', () => {
  it('takes turns whatever the order of the list', () => {
    const policy = new RoundRobin();
    const picks = [policy.pick([c, a, b]), policy.pick([a, b, c]), policy.pick([b, c, a]), policy.pick([c, b, a])];
    expect(picks).toEqual([a, b, c, a]);
  });

  it('goes on after a worker that has left', () => {
    const policy = new RoundRobin();
    expect([policy.pick([a, b, c]), policy.pick([a, b, c]), policy.pick([a, c]), policy.pick([a, c])]).toEqual([
      a,
      b,
      c,
      a,
    ]);
  });
});

describe('PowerOfTwo', () => {
  const score = (busy: Record<string, number>) => (candidate: { instance: string }) => busy[candidate.instance] ?? 0;

  it('never takes the busiest of two', () => {
    const policy = new PowerOfTwo(score({ [a.instance]: 1 }));
    for (let i = 0; i < 100; i++) expect(policy.pick([a, b])).toBe(b);
  });

  it('compares two different ones', () => {
    const draws = [0.99, 0, 0, 0.99];
    const policy = new PowerOfTwo(score({ [c.instance]: 2, [a.instance]: 1 }), () => draws.shift() as number);
    expect(policy.pick([a, b, c])).toBe(a);
    expect(policy.pick([a, b, c])).toBe(a);
  });

  it('takes the only one there is', () => {
    expect(new PowerOfTwo(() => 0).pick([a])).toBe(a);
  });

  it('spreads 3,000 requests over three workers within 1 %', () => {
    const inFlight = new InFlight();
    const policy = new PowerOfTwo((candidate) => workerLoad(candidate, inFlight));
    for (let i = 0; i < 3000; i++) inFlight.add(policy.pick([a, b, c]).instance);
    for (const { instance } of [a, b, c]) expect(Math.abs(inFlight.of(instance) - 1000)).toBeLessThanOrEqual(10);
  });
});

describe('workerLoad', () => {
  it('is the larger of what the worker and this gateway know', () => {
    const inFlight = new InFlight();
    const busy = worker('0000000d', {}, { running: 2, waiting: 1 });
    expect(workerLoad(busy, inFlight)).toBe(3);
    for (let i = 0; i < 5; i++) inFlight.add(busy.instance);
    expect(workerLoad(busy, inFlight)).toBe(5);
    for (let i = 0; i < 5; i++) inFlight.remove(busy.instance);
    expect(workerLoad(busy, inFlight)).toBe(3);
    expect(inFlight.workers).toBe(0);
  });

  it('prefers free KV pages only among the equally busy', () => {
    const full = worker('0000000e', {}, { running: 1, kvPagesUsed: 100 });
    const idle = worker('0000000f', {}, { running: 2 });
    expect(workerLoad(full, new InFlight())).toBeLessThan(workerLoad(idle, new InFlight()));
    expect(workerLoad(full, new InFlight())).toBe(1.5);
  });
});
