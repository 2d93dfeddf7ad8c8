import { NEUTRAL_SAMPLING } from '@sliceway/protocol';
import { parseChatRequest } from './chat-request.js';
import { refusalOf, SAMPLING_LIMITS } from './refusal.fixture.js';

const messages = [{ role: 'user', content: 'Hi' }];
const parse = (fields: Record<string, unknown> = {}) => parseChatRequest({ model: 'm', messages, ...fields });
const sampling = (fields: Record<string, unknown>) => parse(fields).request.sampling;
const refusal = (body: unknown) => refusalOf(() => parseChatRequest(body));
const refuse = (fields: Record<string, unknown>) => refusal({ model: 'm', messages, ...fields });

describe('parseChatRequest', () => {
  it('fills in the defaults', () => {
    const { request, ...delivery } = parse();
    const { seed } = request.sampling;
    const { maxNewTokens: _, ...neutral } = NEUTRAL_SAMPLING;
    expect(delivery).toEqual({ stream: false, includeUsage: false });
    expect(request).toEqual({
      model: 'm',
      prompt: { messages },
      withPromptText: false,
      choices: 1,
      sampling: { ...neutral, seed },
      seed: null,
      maxTokens: null,
      stop: [],
    });
    expect(seed >>> 0).toBe(seed);
  });

  it('takes every parameter', () => {
    const { request, ...delivery } = parse({
      n: 2,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.1,
      presence_penalty: 0.2,
      frequency_penalty: -0.3,
      repetition_penalty: 1.1,
      logit_bias: { 50256: -100, 7: 1.5 },
      seed: 3,
      min_tokens: 2,
      max_tokens: 4,
      stop: 'x',
      stop_token_ids: [9],
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 5,
      stream: true,
      stream_options: { include_usage: true },
      user: 'u',
    });
    expect(delivery).toEqual({ stream: true, includeUsage: true });
    expect(request).toMatchObject({ choices: 2, seed: 3, maxTokens: 4, stop: ['x'] });
    expect(request.sampling).toEqual({
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      minP: 0.1,
      presencePenalty: 0.2,
      frequencyPenalty: -0.3,
      repetitionPenalty: 1.1,
      logitBias: [
        [7, 1.5],
        [50256, -100],
      ],
      seed: 3,
      minTokens: 2,
      stopTokenIds: [9],
      ignoreEos: true,
      logprobs: 5,
    });
  });

  it('draws another seed each time', () => {
    expect(new Set(Array.from({ length: 20 }, () => sampling({}).seed)).size).toBeGreaterThan(15);
  });

  it.each([
    [0, 0],
    [42, 42],
    [2 ** 32 - 1, 2 ** 32 - 1],
    [2 ** 32, 1],
    [-1, 0],
  ])('folds seed %d to %d', (given, seed) => expect(sampling({ seed: given }).seed).toBe(seed));

  // Field, values that are accepted, values that are refused.
  it.each([
    ...SAMPLING_LIMITS,
    ['temperature', [2], [2.01]],
    ['max_tokens', [1, 2 ** 32 - 1], [0, 1.5, -1, 2 ** 32]],
    ['max_completion_tokens', [1], [0]],
    ['min_tokens', [0, 100], [-1, 0.5]],
    ['stop', ['a', [], ['a', 'b', 'c', 'd']], ['', [''], ['a', 'b', 'c', 'd', 'e'], 3]],
    ['seed', [-5, 2 ** 53 - 1], [1.5, 2 ** 53, '1']],
    ['logprobs', [true, false], [1, 'true']],
    ['top_logprobs', [0], [-1, 21, 1.5]],
    ['stream', [true, false], ['true']],
    ['user', ['u'], [1]],
    ['metadata', [{}, { a: 'b' }], [{ a: 1 }, 'x']],
  ])('%s: the last accepted, the first refused', (field, accepted, refused) => {
    for (const value of [...accepted, null, undefined]) expect(() => parse({ [field]: value })).not.toThrow();
    for (const value of refused) {
      const error = refuse({ [field]: value });
      expect(error.status).toBe(400);
      expect(error.param).toMatch(new RegExp(`^${field}`));
    }
  });

  // Field, what asks for nothing, what asks for something.
  it.each([
    ['tools', [], [{ type: 'function' }]],
    ['functions', [], [{ name: 'f' }]],
    ['tool_choice', 'auto', 'required'],
    ['response_format', { type: 'text' }, { type: 'json_object' }],
    ['store', false, true],
    ['service_tier', 'auto', 'flex'],
    ['modalities', ['text'], ['text', 'audio']],
    ['audio', null, { voice: 'x' }],
  ])('%s: neutral is accepted, more is refused by name', (field, neutral, wanted) => {
    expect(() => parse({ [field]: neutral })).not.toThrow();
    expect(() => parse({ [field]: null })).not.toThrow();
    const error = refuse({ [field]: wanted });
    expect(error).toMatchObject({ status: 400, param: field, code: 'unsupported_parameter' });
    expect(error.message).toMatch(new RegExp(`^Parameter '${field}' is not supported; leave it out or send `));
  });

  it('joins text parts and takes a developer for a system', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    const { request } = parse({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: parts },
        { role: 'assistant', content: '', refusal: null, tool_calls: [], annotations: [] },
      ],
    });
    expect(request.prompt).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'a\nb' },
        { role: 'assistant', content: '' },
      ],
    });
  });

  it('takes one of two names for the limit, and both if they agree', () => {
    expect(parse({ max_tokens: 5 }).request.maxTokens).toBe(5);
    expect(parse({ max_completion_tokens: 6 }).request.maxTokens).toBe(6);
    expect(parse({ max_tokens: 7, max_completion_tokens: 7 }).request.maxTokens).toBe(7);
    expect(refuse({ max_tokens: 7, max_completion_tokens: 8 })).toMatchObject({ param: 'max_tokens' });
  });

  it('wants no more tokens at least than at most', () => {
    expect(() => parse({ min_tokens: 3, max_tokens: 3 })).not.toThrow();
    expect(refuse({ min_tokens: 4, max_tokens: 3 })).toMatchObject({ param: 'min_tokens', code: 'invalid_value' });
  });

  it('gives alternatives only with log probabilities', () => {
    expect(sampling({ logprobs: true }).logprobs).toBe(0);
    expect(sampling({ logprobs: true, top_logprobs: 20 }).logprobs).toBe(20);
    expect(sampling({ logprobs: false, top_logprobs: 0 }).logprobs).toBeNull();
    expect(refuse({ logprobs: true, top_logprobs: 21 })).toMatchObject({ param: 'top_logprobs' });
    expect(refuse({ top_logprobs: 1 })).toMatchObject({ param: 'top_logprobs', code: 'invalid_value' });
  });

  it('reads stream options only of streams', () => {
    expect(parse({ stream: true, stream_options: { include_usage: true } }).includeUsage).toBe(true);
    expect(parse({ stream: true, stream_options: {} }).includeUsage).toBe(false);
    expect(refuse({ stream_options: { include_usage: true } })).toMatchObject({ param: 'stream_options' });
    expect(refuse({ stream: true, stream_options: { include_obfuscation: true } })).toMatchObject({
      param: 'stream_options.include_obfuscation',
      code: 'unsupported_parameter',
    });
  });

  it('names the role that it does not know', () => {
    const error = refuse({ messages: [{ role: 'tool', tool_call_id: 'x', content: 'Hi' }] });
    expect(error.message).toContain('expected one of system, developer, user, assistant; tool calls are not supported');
  });

  it.each([
    [undefined, null, 'invalid_type'],
    ['text', null, 'invalid_type'],
    [[], null, 'invalid_type'],
    [{ messages }, 'model', 'missing_required_parameter'],
    [{ model: 'm' }, 'messages', 'missing_required_parameter'],
    [{ model: 1, messages }, 'model', 'invalid_type'],
    [{ model: '', messages }, 'model', 'invalid_value'],
    [{ model: 'm', messages: [] }, 'messages', 'invalid_value'],
    [{ model: 'm', messages: [{ content: 'Hi' }] }, 'messages[0].role', 'missing_required_parameter'],
    [{ model: 'm', messages: [{ role: 'tool', content: 'Hi' }] }, 'messages[0].role', 'invalid_value'],
    [{ model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content', 'missing_required_parameter'],
    [{ model: 'm', messages: [{ role: 'user', content: [] }] }, 'messages[0].content', 'invalid_value'],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
      'messages[0].content',
      'invalid_value',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: 'Hi', name: 'x' }] },
      'messages[0].name',
      'unsupported_parameter',
    ],
    [{ model: 'm', messages: [{ role: 'user', content: 'Hi', foo: 1 }] }, 'messages[0].foo', 'unknown_parameter'],
    [{ model: 'm', messages, foo: 1 }, 'foo', 'unknown_parameter'],
    [
      JSON.parse('{"model":"m","messages":[{"role":"user","content":"Hi"}],"__proto__":{}}'),
      '__proto__',
      'unknown_parameter',
    ],
    [{ model: 'm', messages, constructor: 1 }, 'constructor', 'unknown_parameter'],
  ])('refuses %j', (body, param, code) => {
    const error = refusal(body);
    expect(error.body.error).toEqual({ message: error.message, type: 'invalid_request_error', param, code });
    expect(error.message).not.toBe('');
  });

  it('refuses a bias for the prototype', () => {
    const body = JSON.parse('{"model":"m","messages":[{"role":"user","content":"Hi"}],"logit_bias":{"__proto__":1}}');
    expect(refusal(body)).toMatchObject({ param: 'logit_bias' });
  });
});
