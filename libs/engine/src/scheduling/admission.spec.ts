import { EOS, Rig, expected, request } from './scheduler.fixture.js';

describe('Admission', () => {
  it('refuses what can never run and what is too much', () => {
    const rig = new Rig(4, { maxQueued: 2 });
    expect(() => rig.scheduler.add(request('a', 64))).toThrow(expect.objectContaining({ code: 'prompt_too_long' }));
    rig.scheduler.add(request('b', 63));
    expect(() => rig.scheduler.add(request('b', 5))).toThrow(expect.objectContaining({ code: 'bad_message' }));
    rig.scheduler.add(request('c', 5));
    expect(() => rig.scheduler.add(request('d', 5))).toThrow(expect.objectContaining({ code: 'queue_full' }));
    expect(() => rig.scheduler.add(request('e', 0))).toThrow(expect.objectContaining({ code: 'bad_message' }));
  });

  it('never runs more continuations than it has places for', () => {
    const rig = new Rig(64, { maxRunning: 4 });
    for (const id of ['a', 'b', 'c']) rig.scheduler.add(request(id, 5, { choices: 3, sampling: { maxNewTokens: 6 } }));
    for (let batch; (batch = rig.step());) expect(batch.forward.runs.length).toBeLessThanOrEqual(4);
    for (const id of ['a', 'b', 'c']) for (const choice of [0, 1, 2]) expect(rig.text(id, choice)).toHaveLength(6);
  });

  it('lets a retracted sequence go on before newer reservations', () => {
    const rig = new Rig(5);
    rig.scheduler.add(request('old', 30, { sampling: { maxNewTokens: 30 } }));
    rig.scheduler.add(request('young', 28, { sampling: { maxNewTokens: 30 } }));
    while (rig.step()!.retracted.length === 0);
    const tokensOfYoung: number[] = [];
    for (const id of ['new', 'newer']) {
      rig.scheduler.reserve(request(id, 20, { kind: 'decode' }), () => tokensOfYoung.push(rig.text('young').length));
    }
    rig.drain();
    // Granted in the step that gives the last token.
    expect(tokensOfYoung).toEqual([29, 29]);
    expect(rig.text('young')).toEqual(expected(request('young', 28), 30));
  });

  it('grants reservations in order as pages come free, and starts them from their first tokens', () => {
    const rig = new Rig(5);
    const granted: string[] = [];
    for (const id of ['a', 'b', 'c'])
      rig.scheduler.reserve(request(id, 30, { kind: 'decode' }), () => granted.push(id));
    expect(granted).toEqual(['a', 'b']);
    const first = expected(request('a', 30), 1);
    rig.arrive(request('a', 30), first);
    rig.scheduler.release('b');
    rig.drain();
    expect(granted).toEqual(['a', 'b', 'c']);
    expect([...first, ...rig.text('a')]).toEqual(expected(request('a', 30), 4));
    rig.scheduler.abort('c');
    expect([rig.pool.used, rig.scheduler.liveIds]).toEqual([0, []]);
  });

  it('grants a reservation when the one before it ends with its first token', () => {
    const rig = new Rig(2);
    const granted: string[] = [];
    for (const id of ['a', 'b']) rig.scheduler.reserve(request(id, 20, { kind: 'decode' }), () => granted.push(id));
    expect(rig.arrive(request('a', 20), [EOS])).toEqual([]);
    expect(granted).toEqual(['a', 'b']);
  });

  it('starts nothing before an older reservation, and grants none before an older request', () => {
    const rig = new Rig(4);
    const order: string[] = [];
    rig.scheduler.add(request('a', 40));
    rig.step();
    rig.scheduler.reserve(request('b', 40, { kind: 'decode' }), () => order.push('b'));
    rig.scheduler.add(request('c', 5));
    for (let batch; (batch = rig.step());) order.push(...batch.sequences.map((sequence) => sequence.request.id));
    expect([...new Set(order)]).toEqual(['a', 'b', 'c']);
  });

  it('puts a retracted sequence back in its place by age', () => {
    const rig = new Rig(6);
    rig.scheduler.add(request('old', 15, { sampling: { maxNewTokens: 60 } }));
    rig.step();
    const [b, c] = ['b', 'c'].map((id) => request(id, 16, { kind: 'decode', sampling: { maxNewTokens: 60 } }));
    rig.scheduler.reserve(b!, () => {});
    rig.scheduler.reserve(c!, () => {});
    // b runs and is retracted while c's KV arrives; then c is started, younger but earlier.
    rig.arrive(b!, expected(b!, 1));
    const retracted: string[] = [];
    const step = (): boolean => {
      const batch = rig.step();
      retracted.push(...(batch?.retracted ?? []).map((sequence) => sequence.request.id));
      return batch !== undefined;
    };
    while (retracted.length === 0) step();
    rig.arrive(c!, expected(c!, 1));
    while (step());
    expect(retracted.slice(0, 2)).toEqual(['b', 'c']);
    const ends = rig.events.filter((event) => event.finish !== null).map((event) => event.id);
    expect(ends).toEqual(['old', 'b', 'c']);
  });
});
