import type { SamplingParams } from '../sampling/sampling-params.js';
import { EndRules } from './end-rules.js';
import { EOS, Rig, request, sampled } from './scheduler.fixture.js';
import { Sequence } from './sequence.js';

describe('EndRules', () => {
  it('ends at the end token, at the wanted length and at the context', () => {
    const rig = new Rig(64, { contextLength: 12 });
    rig.scheduler.add(request('length', 5, { sampling: { maxNewTokens: 2 } }));
    rig.scheduler.add(request('context', 8, { sampling: { maxNewTokens: 100 } }));
    rig.scheduler.add(request('eos', 5));
    const first = rig.scheduler.schedule()!;
    const events = rig.scheduler.complete(first, sampled(7, 7, EOS));
    expect(events.map((event) => event.finish)).toEqual([null, null, 'stop']);
    rig.events.push(...events);
    rig.drain();
    expect(rig.events.filter((event) => event.finish === 'length').map((event) => [event.id, event.index])).toEqual([
      ['length', 1],
      ['context', 3],
    ]);
  });

  const rules = new EndRules([EOS, 1], 12);
  const after = (generated: number, sampling: Partial<SamplingParams>): Sequence => {
    const wanted = request('a', 5, { sampling: { maxNewTokens: 4, ...sampling } });
    return new Sequence(wanted, 1, 0, 0, 1, [...wanted.promptIds, ...new Array<number>(generated).fill(7)]);
  };

  it.each([
    [{}, 0, []],
    [{ minTokens: 2, stopTokenIds: [9] }, 1, [EOS, 1, 9]],
    [{ minTokens: 2, stopTokenIds: [9] }, 2, []],
    [{ minTokens: 2, stopTokenIds: [9], ignoreEos: true }, 1, [9]],
  ])('bans the end tokens of %j at index %i: %j', (sampling, index, banned) => {
    expect(rules.banned(after(index, sampling))).toEqual(banned);
  });

  it.each([
    [{}, 0, 1, 'stop'],
    [{}, 0, 9, null],
    [{ stopTokenIds: [9] }, 0, 9, 'stop'],
    [{ ignoreEos: true }, 0, EOS, null],
    [{ ignoreEos: true, stopTokenIds: [EOS] }, 0, EOS, 'stop'],
    [{ minTokens: 2 }, 1, EOS, null],
    [{ minTokens: 2 }, 2, EOS, 'stop'],
    [{ minTokens: 9 }, 3, EOS, 'length'],
    [{}, 2, 7, null],
    [{}, 3, 7, 'length'],
    [{ maxNewTokens: 99 }, 5, 7, null],
    [{ maxNewTokens: 99 }, 6, 7, 'length'],
  ])('%j, index %i, token %i: %j', (sampling, index, token, finish) => {
    expect(rules.finishOf(after(index, sampling), token)).toBe(finish);
  });
});
