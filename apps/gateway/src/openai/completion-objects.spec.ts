import { ApiError } from './api-error.js';
import { chatCompletion } from './chat-completion.js';
import { ChatChunks } from './chat-chunks.js';
import { modelList } from './models.js';

const head = { rid: 'ab'.repeat(16), createdAtSeconds: 1_700_000_000, model: 'org/"model"' };
const constant = {
  id: `chatcmpl-${head.rid}`,
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'org/"model"',
  system_fingerprint: 'fp_0123456789',
};
const FINGERPRINT = '0123456789abcdef';

describe('ChatChunks', () => {
  const chunks = new ChatChunks(head, FINGERPRINT, false);
  const choice = (index: number, delta: object, finish_reason: string | null) => ({
    ...constant,
    choices: [{ index, delta, logprobs: null, finish_reason }],
  });

  it('begins a choice with its role', () => {
    expect(JSON.parse(chunks.role(0))).toEqual(choice(0, { role: 'assistant', content: '' }, null));
  });

  it.each(['plain', 'line\nbreak "quoted" \\', '\u2028 and \u0000', '😀'])('carries %j unharmed', (content) => {
    const json = chunks.text(7, content);
    expect(JSON.parse(json)).toEqual(choice(7, { content }, null));
    expect(json).not.toContain('\n');
  });

  it('ends a choice', () => {
    expect(JSON.parse(chunks.finish(1, 'length'))).toEqual(choice(1, {}, 'length'));
  });

  it('has a null usage in each chunk and a last one with it, where it was asked for', () => {
    const counted = new ChatChunks(head, FINGERPRINT, true);
    expect(JSON.parse(counted.text(0, 'a'))).toHaveProperty('usage', null);
    expect(JSON.parse(counted.usage({ promptTokens: 3, completionTokens: 4 }))).toEqual({
      ...constant,
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    });
  });
});

it('chatCompletion holds every choice in order', () => {
  const choices = [
    { text: 'a', end: 'stop' },
    { text: 'b', end: 'length' },
  ] as const;
  expect(chatCompletion(head, FINGERPRINT, choices, { promptTokens: 1, completionTokens: 2 })).toEqual({
    ...constant,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'a', refusal: null }, logprobs: null, finish_reason: 'stop' },
      {
        index: 1,
        message: { role: 'assistant', content: 'b', refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  });
});

it('modelList is what OpenAI returns, with the context', () => {
  expect(modelList([{ name: 'm', sinceMs: 1999, contextLength: 2048 }])).toEqual({
    object: 'list',
    data: [{ id: 'm', object: 'model', created: 1, owned_by: 'sliceway', max_model_len: 2048 }],
  });
});

it.each([
  [400, 'invalid_request_error'],
  [404, 'invalid_request_error'],
  [429, 'rate_limit_error'],
  [500, 'server_error'],
  [503, 'server_error'],
])('ApiError %d is of type %s', (status, type) => {
  expect(new ApiError(status, 'why', { code: 'c' }).body).toEqual({
    error: { message: 'why', type, param: null, code: 'c' },
  });
});
