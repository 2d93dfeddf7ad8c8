import { request } from './scheduler.fixture.js';
import { Sequence } from './sequence.js';

describe('Sequence', () => {
  it('says all that sampling has to know', () => {
    const sampling = { temperature: 0.5, topP: 0.9, topK: 40, minP: 0.1, seed: 7, logprobs: 2 };
    const wanted = request('a', 3, { firstChoice: 4, choices: 2, sampling: { ...sampling, logitBias: [[5, -1]] } });
    const spec = { ...sampling, logitBias: [[5, -1]], banned: [9], penalties: null, index: 0 };
    expect(new Sequence(wanted, 1, 0, 4, 2).outputs(6, [9])).toEqual([
      { row: 6, sampling: { ...spec, choice: 4 } },
      { row: 6, sampling: { ...spec, choice: 5 } },
    ]);
  });

  it.each([
    [{ presencePenalty: 0.5 }, { presence: 0.5, frequency: 0, repetition: 1 }],
    [{ frequencyPenalty: -0.5 }, { presence: 0, frequency: -0.5, repetition: 1 }],
    [{ repetitionPenalty: 1.2 }, { presence: 0, frequency: 0, repetition: 1.2 }],
  ])('tells what %j weighs, also when it is computed again', (sampling, penalties) => {
    const fork = new Sequence(request('a', 3, { sampling }), 1, 0, 1, 1, [1, 2, 3, 8, 8]);
    const outputs = fork.outputs(0, []);
    expect(outputs).toMatchObject([
      {
        sampling: {
          index: 2,
          penalties: { ...penalties, prompt: Int32Array.of(1, 2, 3), generated: Int32Array.of(8, 8) },
        },
      },
    ]);
    fork.computed = 4;
    expect(fork.outputs(0, [])).toEqual(outputs);
  });
});
