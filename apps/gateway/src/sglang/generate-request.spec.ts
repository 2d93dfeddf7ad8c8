import { refusalOf, SAMPLING_LIMITS } from '../openai/refusal.fixture.js';
import { parseGenerateRequest } from './generate-request.js';

const parse = (fields: Record<string, unknown> = {}, served = ['m']) =>
  parseGenerateRequest({ text: 'Hi', ...fields }, served);
const refuse = (fields: Record<string, unknown>, served?: string[]) => refusalOf(() => parse(fields, served));
const withParams = (params: unknown) => ({ sampling_params: params });

describe('parseGenerateRequest', () => {
  it('fills in the defaults', () => {
    const { requests, ...rest } = parse();
    expect(rest).toEqual({
      isBatch: false,
      stream: false,
      names: null,
      withPromptIds: false,
      withTopLogprobs: false,
      withLogprobText: false,
    });
    expect(requests).toMatchObject([
      { model: 'm', prompt: { text: 'Hi' }, choices: 1, maxTokens: 128, stop: [], sampling: { logprobs: null } },
    ]);
  });

  it('takes every parameter', () => {
    const { requests } = parse({
      sampling_params: {
        max_new_tokens: null,
        min_new_tokens: 2,
        temperature: 3,
        top_k: 5,
        sampling_seed: 7,
        stop: ['a'],
        stop_token_ids: [1],
        n: 2,
        skip_special_tokens: true,
      },
      return_logprob: true,
      top_logprobs_num: 3,
    });
    expect(requests).toMatchObject([
      {
        choices: 2,
        maxTokens: null,
        stop: ['a'],
        sampling: { temperature: 3, topK: 5, seed: 7, minTokens: 2, stopTokenIds: [1], logprobs: 3 },
      },
    ]);
  });

  it('takes one prompt or several, as text or token ids', () => {
    const prompts = (fields: Record<string, unknown>) => {
      const { requests, isBatch } = parse({ text: undefined, ...fields });
      return [requests.map(({ prompt }) => prompt), isBatch];
    };
    expect(prompts({ text: 'a' })).toEqual([[{ text: 'a' }], false]);
    expect(prompts({ text: ['a'] })).toEqual([[{ text: 'a' }], true]);
    expect(prompts({ input_ids: [1, 2] })).toEqual([[{ ids: [1, 2] }], false]);
    expect(prompts({ input_ids: [[1], [2, 3]] })).toEqual([[{ ids: [1] }, { ids: [2, 3] }], true]);
    expect(refuse({ text: undefined })).toMatchObject({ param: 'text' });
    expect(refuse({ input_ids: [1] })).toMatchObject({ param: 'text' });
    for (const text of ['', [], [''], 1]) expect(refuse({ text }).param).toMatch(/^text/);
    for (const input_ids of [[], [[]], [-1], [1.5], '1', [[1], 2]]) {
      expect(refuse({ text: undefined, input_ids }).param).toMatch(/^input_ids/);
    }
  });

  it.each([
    ...SAMPLING_LIMITS,
    ['temperature', [2, 1000], [-1]],
    ['max_new_tokens', [1, 2 ** 32 - 1], [0, -1]],
    ['min_new_tokens', [0, 128], [-1, 129]],
    ['stop', ['a', new Array(16).fill('a')], ['', new Array(17).fill('a')]],
    ['regex', [null], ['a*']],
    ['skip_special_tokens', [true], [false]],
    ['foo', [], [1]],
  ])('sampling_params.%s: the last accepted, the first refused', (field, accepted, refused) => {
    for (const value of accepted) expect(() => parse(withParams({ [field]: value }))).not.toThrow();
    for (const value of refused) {
      const error = refuse(withParams({ [field]: value }));
      expect(error.status).toBe(400);
      expect(error.param).toMatch(new RegExp(`^sampling_params.${field}`));
    }
  });

  it('takes parameters for each of several prompts', () => {
    const params = [{ temperature: 0 }, { temperature: 1 }];
    const { requests } = parse({ text: ['a', 'b'], ...withParams(params) });
    expect(requests.map(({ sampling }) => sampling.temperature)).toEqual([0, 1]);
    expect(refuse({ text: ['a'], ...withParams(params) })).toMatchObject({ param: 'sampling_params' });
    expect(refuse({ text: 'a', ...withParams([{}]) })).toMatchObject({ param: 'sampling_params' });
    expect(refuse({ text: ['a', 'b'], ...withParams([{ n: 1 }, { n: 2 }]) })).toMatchObject({
      param: 'sampling_params',
    });
    expect(refuse({ text: ['a', 'b'], ...withParams([{}, { top_p: 2 }]) })).toMatchObject({
      param: 'sampling_params[1].top_p',
    });
    for (const wrong of ['x', 1, []]) expect(refuse(withParams(wrong)).param).toMatch(/^sampling_params/);
  });

  it('names results as the client does', () => {
    const names = (fields: Record<string, unknown>) => parse(fields).names;
    expect(names({ rid: 'r' })).toEqual(['r']);
    expect(names({ rid: 'r', text: ['a', 'b'] })).toEqual(['r_0', 'r_1']);
    expect(names({ rid: 'r', ...withParams({ n: 2 }) })).toEqual(['r_0', 'r_1']);
    expect(names({ rid: ['r', 's'], text: ['a', 'b'] })).toEqual(['r', 's']);
    for (const rid of [['r'], ['r', 'r'], '', 1]) {
      expect(refuse({ rid, text: ['a', 'b'] })).toMatchObject({ param: 'rid' });
    }
  });

  it('knows the model where there is one', () => {
    expect(parse({}, ['only']).requests[0]!.model).toBe('only');
    expect(parse({ model: 'b' }, ['a', 'b']).requests[0]!.model).toBe('b');
    expect(refuse({}, ['a', 'b'])).toMatchObject({ status: 400, param: 'model' });
    expect(refuse({}, [])).toMatchObject({ status: 503 });
  });

  it.each([
    ['image_data', null, 'x.png'],
    ['logprob_start_len', -1, 0],
    ['lora_path', null, 'x'],
    ['return_hidden_states', false, true],
    ['token_ids_logprob', [], [1]],
  ])('%s: neutral is accepted, more is refused by name', (field, neutral, wanted) => {
    expect(() => parse({ [field]: neutral })).not.toThrow();
    expect(refuse({ [field]: wanted })).toMatchObject({ param: field, code: 'unsupported_parameter' });
  });

  it.each([
    [{ top_logprobs_num: 1 }, 'top_logprobs_num'],
    [{ return_logprob: true, top_logprobs_num: 21 }, 'top_logprobs_num'],
    [{ foo: 1 }, 'foo'],
    [{ stream: 1 }, 'stream'],
  ])('refuses %j', (fields, param) => expect(refuse(fields)).toMatchObject({ status: 400, param }));
});
