import { ApiError } from './api-error.js';
import { parseChatRequest } from './chat-request.js';

const messages = [{ role: 'user', content: 'Hi' }];
const parse = (fields: Record<string, unknown> = {}) => parseChatRequest({ model: 'm', messages, ...fields });

function refusal(body: unknown): ApiError {
  try {
    parseChatRequest(body);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error(`Accepted ${JSON.stringify(body)}.`);
}
const refuse = (fields: Record<string, unknown>) => refusal({ model: 'm', messages, ...fields });

describe('parseChatRequest', () => {
  it('fills in the defaults', () => {
    const { seed, ...rest } = parse();
    expect(rest).toEqual({
      model: 'm',
      messages,
      choices: 1,
      temperature: 1,
      topP: 1,
      topK: 0,
      maxTokens: null,
      stop: [],
      stopTokenIds: [],
      ignoreEos: false,
      stream: false,
      includeUsage: false,
    });
    expect(seed >>> 0).toBe(seed);
  });

  it('draws another seed each time', () => {
    expect(new Set(Array.from({ length: 20 }, () => parse().seed)).size).toBeGreaterThan(15);
  });

  it.each([
    [0, 0],
    [42, 42],
    [2 ** 32 - 1, 2 ** 32 - 1],
    [2 ** 32, 1],
    [-1, 0],
  ])('folds seed %d to %d', (given, seed) => expect(parse({ seed: given }).seed).toBe(seed));

  // Field, values that are accepted, values that are refused.
  it.each([
    ['temperature', [0, 2], [-0.01, 2.01, '1', Number.NaN]],
    ['top_p', [0.001, 1], [0, 1.001]],
    ['top_k', [-1, 0, 1, 2 ** 32 - 1], [-2, 1.5, 2 ** 32]],
    ['max_tokens', [1, 100_000], [0, 1.5, -1]],
    ['max_completion_tokens', [1], [0]],
    ['n', [1, 8], [0, 9, 1.5]],
    ['stop', ['a', [], ['a', 'b', 'c', 'd']], ['', [''], ['a', 'b', 'c', 'd', 'e'], 3]],
    ['stop_token_ids', [[], [0], new Array(16).fill(1)], [[-1], [1.5], new Array(17).fill(1)]],
    ['seed', [-5, 2 ** 53 - 1], [1.5, 2 ** 53, '1']],
    ['ignore_eos', [true], [1]],
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
    ['tool_choice', 'auto', 'required'],
    ['response_format', { type: 'text' }, { type: 'json_object' }],
    ['logprobs', false, true],
    ['top_logprobs', 0, 2],
    ['logit_bias', {}, { 1: 5 }],
    ['presence_penalty', 0, 0.1],
    ['frequency_penalty', 0, -0.1],
    ['repetition_penalty', 1, 1.1],
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
    const request = parse({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: parts },
        { role: 'assistant', content: '', refusal: null, tool_calls: [], annotations: [] },
      ],
    });
    expect(request.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a\nb' },
      { role: 'assistant', content: '' },
    ]);
  });

  it('takes one of two names for the limit, and both if they agree', () => {
    expect(parse({ max_tokens: 5 }).maxTokens).toBe(5);
    expect(parse({ max_completion_tokens: 6 }).maxTokens).toBe(6);
    expect(parse({ max_tokens: 7, max_completion_tokens: 7 }).maxTokens).toBe(7);
    expect(refuse({ max_tokens: 7, max_completion_tokens: 8 })).toMatchObject({ param: 'max_tokens' });
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
  ])('refuses %j', (body, param, code) => {
    const error = refusal(body);
    expect(error.body.error).toEqual({ message: error.message, type: 'invalid_request_error', param, code });
    expect(error.message).not.toBe('');
  });
});
