import { Rig, expected, request, sampled } from './scheduler.fixture.js';

describe('Scheduler', () => {
  it('computes a prompt in chunks and samples after the last', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 70));
    const chunks = [rig.step()!, rig.step()!, rig.step()!].map((batch) => batch.forward.runs[0]!);
    expect(chunks.map((run) => [run.position, run.tokens, run.pages.length])).toEqual([
      [0, 32, 2],
      [32, 32, 4],
      [64, 6, 5],
    ]);
    rig.drain();
    expect(rig.text('a')).toEqual(expected(request('a', 70), 4));
    expect(rig.pool.used).toBe(0);
  });

  it('puts decoding sequences before chunks of prompts', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 5));
    rig.step();
    rig.scheduler.add(request('b', 60));
    expect(rig.step()!.forward.runs.map((run) => run.tokens)).toEqual([1, 31]);
  });

  it('tells what is served before a request', () => {
    const rig = new Rig(8);
    for (const [id, tokens] of [
      ['a', 40],
      ['b', 100],
      ['c', 30],
    ] as const)
      rig.scheduler.add(request(id, tokens));
    expect(['a', 'b', 'c'].map((id) => rig.scheduler.aheadOf(id))).toEqual([
      { position: 0, tokens: 0 },
      { position: 1, tokens: 40 },
      { position: 2, tokens: 140 },
    ]);
    rig.step();
    expect(['a', 'b', 'c', 'unknown'].map((id) => rig.scheduler.aheadOf(id))).toEqual([
      { position: 0, tokens: 0 },
      { position: 0, tokens: 8 },
      { position: 1, tokens: 108 },
      { position: 0, tokens: 8 },
    ]);
  });

  it('frees an aborted sequence when the batch that computes it is done', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 20));
    rig.scheduler.add(request('b', 10));
    const batch = rig.scheduler.schedule()!;
    expect(rig.scheduler.abort('a')).toBe(true);
    expect(rig.pool.used).toBe(3);
    expect(rig.scheduler.complete(batch, sampled(5, 6)).map((event) => [event.id, event.token])).toEqual([['b', 6]]);
    expect(rig.pool.used).toBe(1);
    expect(rig.scheduler.abort('a')).toBe(false);
  });

  it('retracts the youngest when pages run out, and its text is the same', () => {
    const rig = new Rig(5);
    rig.scheduler.add(request('old', 30, { sampling: { maxNewTokens: 30 } }));
    rig.scheduler.add(request('young', 28, { sampling: { maxNewTokens: 30 } }));
    let retracted = 0;
    for (let batch; (batch = rig.step());) retracted += batch.retracted.length;
    expect(retracted).toBeGreaterThan(0);
    expect(rig.text('old')).toEqual(expected(request('old', 30), 30));
    expect(rig.text('young')).toEqual(expected(request('young', 28), 30));
    expect(rig.pool.used).toBe(0);
  });

  it('gives a sequence a new number when its KV starts anew', () => {
    const rig = new Rig(5);
    rig.scheduler.add(request('old', 30, { sampling: { maxNewTokens: 30 } }));
    rig.scheduler.add(request('young', 28, { sampling: { maxNewTokens: 30 } }));
    const numbers = new Map<string, Set<number>>();
    for (let batch; (batch = rig.step());) {
      batch.sequences.forEach(({ request: { id } }, i) => {
        numbers.set(id, (numbers.get(id) ?? new Set()).add(batch.forward.runs[i]!.sequence));
      });
    }
    expect([...numbers].map(([id, own]) => [id, own.size])).toEqual([
      ['old', 1],
      ['young', 2],
    ]);
    expect(new Set([...numbers.values()].flatMap((own) => [...own])).size).toBe(3);
  });

  it('never retracts a prefill: its KV may be on its way out', () => {
    const rig = new Rig(11, { batchTokens: 4 });
    for (const id of ['old', 'young']) {
      const arriving = request(id, 15, { kind: 'decode', sampling: { maxNewTokens: 60 } });
      rig.scheduler.reserve(arriving, () => {});
      rig.arrive(arriving, [7]);
    }
    rig.scheduler.add(request('prefill', 100, { kind: 'prefill' }));
    let retracted: string[] = [];
    while (retracted.length === 0) retracted = rig.step()!.retracted.map((sequence) => sequence.request.id);
    expect(retracted).toEqual(['young']);
  });

  it('passes log probabilities through', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 5));
    const logprobs = { logprob: -0.5, top: [{ token: 7, logprob: -0.5 }] };
    const events = rig.scheduler.complete(rig.scheduler.schedule()!, [{ token: 7, logprobs }]);
    expect(events).toEqual([{ id: 'a', choice: 0, index: 0, token: 7, finish: null, logprobs }]);
    expect(rig.scheduler.complete(rig.scheduler.schedule()!, sampled(8))[0]).not.toHaveProperty('logprobs');
  });
});
