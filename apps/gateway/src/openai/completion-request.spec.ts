import { parseCompletionRequest } from './completion-request.js';
import { refusalOf, SAMPLING_LIMITS } from './refusal.fixture.js';

const parse = (fields: Record<string, unknown> = {}) => parseCompletionRequest({ model: 'm', prompt: 'Hi', ...fields });
const refuse = (fields: Record<string, unknown>) => refusalOf(() => parse(fields));
const prompts = (prompt: unknown) => parse({ prompt }).requests.map((request) => request.prompt);

describe('parseCompletionRequest', () => {
  it('fills in the defaults', () => {
    const { requests, ...rest } = parse();
    expect(rest).toEqual({ stream: false, includeUsage: false, echo: 'none' });
    expect(requests).toMatchObject([
      {
        model: 'm',
        prompt: { text: 'Hi' },
        choices: 1,
        maxTokens: 16,
        stop: [],
        sampling: { logprobs: null },
        withPromptText: false,
      },
    ]);
  });

  it('takes a prompt as text or token ids, one or several', () => {
    expect(prompts('a')).toEqual([{ text: 'a' }]);
    expect(prompts(['a', 'b'])).toEqual([{ text: 'a' }, { text: 'b' }]);
    expect(prompts([0, 2 ** 32 - 1])).toEqual([{ ids: [0, 2 ** 32 - 1] }]);
    expect(prompts([[1, 2], [3]])).toEqual([{ ids: [1, 2] }, { ids: [3] }]);
    expect(prompts(new Array(128).fill('a'))).toHaveLength(128);
  });

  it.each([
    ['', []],
    [[], [['a', 1]]],
    [[''], [[]]],
    [[[]], [[1], 'a']],
    [[1.5], [-1]],
    [[2 ** 32], [[1], [-1]]],
    [7, { text: 'a' }],
    [new Array(129).fill('a'), [[[1]]]],
  ])('refuses the prompts %j and %j', (one, other) => {
    for (const prompt of [one, other]) {
      const { status, param, code } = refuse({ prompt });
      expect([status, param, code]).toEqual([400, expect.stringMatching(/^prompt/), 'invalid_value']);
    }
  });

  it('wants a prompt', () => {
    expect(refuse({ prompt: undefined })).toMatchObject({ param: 'prompt', code: 'missing_required_parameter' });
  });

  it.each([
    ...SAMPLING_LIMITS,
    ['max_tokens', [1, 2 ** 32 - 1], [0, -1, 1.5]],
    ['min_tokens', [0, 16], [-1, 17]],
    ['logprobs', [0, 5], [-1, 6, true, 1.5]],
    ['echo', [true, false], [1]],
    ['best_of', [1], [0, 2, '1']],
    ['suffix', [''], ['x']],
    ['stop', ['a', ['a', 'b', 'c', 'd']], ['', ['a', 'b', 'c', 'd', 'e']]],
    ['messages', [], [[{ role: 'user', content: 'Hi' }]]],
  ])('%s: the last accepted, the first refused', (field, accepted, refused) => {
    for (const value of accepted) expect(() => parse({ [field]: value })).not.toThrow();
    for (const value of refused) {
      const error = refuse({ [field]: value });
      expect(error.status).toBe(400);
      expect(error.param).toMatch(new RegExp(`^${field}`));
    }
  });

  it('ranks nothing', () => {
    expect(() => parse({ n: 3, best_of: 3 })).not.toThrow();
    expect(refuse({ n: 3, best_of: 1 })).toMatchObject({ param: 'best_of', code: 'unsupported_parameter' });
    expect(refuse({ n: 1, best_of: 2 })).toMatchObject({ param: 'best_of', code: 'unsupported_parameter' });
  });

  it.each([['a'], [[1]]])('echoes the prompt %j, without log probabilities', (prompt) => {
    const { echo, requests } = parse({ prompt, echo: true });
    expect([echo, requests[0]!.withPromptText]).toEqual(['prompt', true]);
    expect(refuse({ echo: true, logprobs: 0 })).toMatchObject({ param: 'logprobs', code: 'unsupported_parameter' });
  });

  it('takes no tokens for the prompt alone, for which one is computed', () => {
    const { echo, requests } = parse({ max_tokens: 0, echo: true });
    expect([echo, requests[0]!.maxTokens]).toEqual(['promptOnly', 1]);
    expect(refuse({ max_tokens: 0 })).toMatchObject({ status: 400, param: 'max_tokens', code: 'invalid_value' });
    expect(refuse({ max_tokens: 0, echo: true, min_tokens: 1 })).toMatchObject({ param: 'min_tokens' });
  });
});
