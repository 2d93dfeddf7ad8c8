import { Rig, expected, request } from './scheduler.fixture.js';

describe('Continuation', () => {
  it('forks n choices that share the full pages of their prompt', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 32, { choices: 3, sampling: { maxNewTokens: 6 } }));
    rig.step();
    rig.step();
    expect(rig.pool.used).toBe(2 + 3);
    rig.drain();
    for (const choice of [0, 1, 2]) expect(rig.text('a', choice)).toEqual(expected(request('a', 32), 6, choice));
    expect(rig.pool.used).toBe(0);
  });

  it('takes no page to start a single continuation', () => {
    const rig = new Rig(2);
    rig.scheduler.reserve(request('a', 20, { kind: 'decode' }), () => {});
    expect(rig.scheduler.start('a', [7])).toEqual([0]);
    expect(rig.scheduler.schedule()!.forward.runs).toMatchObject([{ tokens: 1, position: 20 }]);
  });

  it('says which continuations have no room to go on', () => {
    const rig = new Rig(64, { contextLength: 32 });
    rig.scheduler.reserve(request('a', 31, { kind: 'decode', choices: 2 }), () => {});
    expect(rig.scheduler.start('a', [7, 8])).toEqual([]);
    expect(rig.pool.used).toBe(0);
  });

  it('holds the pages of a prefill until they are released', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 20, { kind: 'prefill', choices: 2 }));
    rig.drain();
    expect(rig.events.map((event) => [event.choice, event.index])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(rig.pool.used).toBe(2);
    rig.scheduler.release('a');
    expect([rig.pool.used, rig.scheduler.liveIds]).toEqual([0, []]);
  });

  it('numbers every fork as a sequence of its own', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 20, { choices: 3 }));
    const numbers = [rig.step()!, rig.step()!].flatMap((batch) => batch.forward.runs.map((run) => run.sequence));
    expect(new Set(numbers).size).toBe(1 + 3);
  });

  it('starts only what was reserved, for as many choices', () => {
    const rig = new Rig();
    rig.scheduler.add(request('prefill', 20, { kind: 'prefill' }));
    rig.drain();
    rig.scheduler.reserve(request('decode', 20, { kind: 'decode', choices: 2 }), () => {});
    for (const id of ['prefill', 'decode', 'unknown'])
      expect(() => rig.scheduler.start(id, [7])).toThrow(expect.objectContaining({ code: 'bad_message' }));
    expect(rig.scheduler.start('decode', [7, 8])).toEqual([0, 1]);
  });
});
