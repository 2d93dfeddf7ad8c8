import { checkSamplingParams } from './check-sampling.js';
import { GREEDY, type SamplingParams } from './sampling-params.js';

const VOCAB = 100;
const ABOVE_1 = 1 + Number.EPSILON;
const ABOVE_2 = 2 + 2 * Number.EPSILON;
const TINY = Number.MIN_VALUE;

/** Field, accepted and rejected values. */
const numbers: [keyof SamplingParams, number[], number[]][] = [
  ['temperature', [0, TINY, Number.MAX_VALUE], [-TINY, Infinity]],
  ['topP', [TINY, 1], [0, ABOVE_1, -1]],
  ['topK', [0, 1, 0xffffffff], [-1, 0.5, 2 ** 32]],
  ['minP', [0, 1], [-TINY, ABOVE_1]],
  ['presencePenalty', [-2, 2], [-ABOVE_2, ABOVE_2]],
  ['frequencyPenalty', [-2, 2], [-ABOVE_2, ABOVE_2]],
  ['repetitionPenalty', [TINY, 2], [0, ABOVE_2]],
  ['seed', [0, 0xffffffff], [-1, 2 ** 32, 0.5]],
  ['maxNewTokens', [1, 0xffffffff], [0, 1.5, 2 ** 32]],
  ['minTokens', [0, GREEDY.maxNewTokens], [-1, 0.5, GREEDY.maxNewTokens + 1]],
  ['logprobs', [0, 20], [-1, 0.5, 21]],
];

describe('checkSamplingParams', () => {
  it('accepts the defaults', () => {
    expect(checkSamplingParams(GREEDY, VOCAB)).toBeUndefined();
  });

  it.each(numbers)('%s', (field, accepted, rejected) => {
    for (const value of accepted) expect(checkSamplingParams({ ...GREEDY, [field]: value }, VOCAB)).toBeUndefined();
    for (const value of [...rejected, NaN]) {
      const found = checkSamplingParams({ ...GREEDY, [field]: value }, VOCAB);
      expect(found).toMatch(new RegExp(`^${field} must be .*, got ${value}$`));
    }
  });

  it.each<[Partial<SamplingParams>, Partial<SamplingParams>, string]>([
    [{ stopTokenIds: [0, 99] }, { stopTokenIds: [0, 100] }, 'stopTokenIds[1] must be a token id from 0 to 99, got 100'],
    [{ stopTokenIds: [0] }, { stopTokenIds: [-1] }, 'stopTokenIds[0] must be a token id from 0 to 99, got -1'],
    [
      { logitBias: [[99, 0]] },
      { logitBias: [[100, 0]] },
      'logitBias[0] token must be a token id from 0 to 99, got 100',
    ],
    [
      { logitBias: [[7, 100]] },
      { logitBias: [[7, 100.00000000000001]] },
      'logitBias[0] of token 7 must be in [-100, 100], got 100.00000000000001',
    ],
    [
      { logitBias: [[7, -100]] },
      { logitBias: [[7, -Infinity]] },
      'logitBias[0] of token 7 must be in [-100, 100], got -Infinity',
    ],
    [
      { minTokens: 5, maxNewTokens: 5 },
      { minTokens: 5, maxNewTokens: 4 },
      'minTokens must be an integer from 0 to maxNewTokens, 4, got 5',
    ],
  ])('accepts %j, rejects %j', (accepted, rejected, message) => {
    expect(checkSamplingParams({ ...GREEDY, ...accepted }, VOCAB)).toBeUndefined();
    expect(checkSamplingParams({ ...GREEDY, ...rejected }, VOCAB)).toBe(message);
  });

  it('names the first of several faults', () => {
    expect(checkSamplingParams({ ...GREEDY, topP: 2, temperature: -1, seed: -1 }, VOCAB)).toBe(
      'temperature must be a finite number of at least 0, got -1',
    );
  });
});
