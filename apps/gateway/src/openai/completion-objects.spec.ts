import type { TextLogprobs } from '@sliceway/protocol';
import { ApiError } from './api-error.js';
import type { GatheredAnswer } from './answer-formats.js';
import { ChatChunks } from './chat-chunks.js';
import { chatCompletion } from './chat-completion.js';
import { modelList } from './models.js';
import { TextChunks } from './text-chunks.js';
import { textCompletion } from './text-completion.js';

const head = { id: 'cmpl-1', createdAtSeconds: 1_700_000_000, model: 'org/"model"' };
const constant = {
  id: 'cmpl-1',
  created: 1_700_000_000,
  model: 'org/"model"',
  system_fingerprint: 'fp_0123456789',
};
const FINGERPRINT = '0123456789abcdef';
const usage = { promptTokens: 1, completionTokens: 2 };

const bytes = (text: string) => new TextEncoder().encode(text);
/** `é` in two tokens, and one that nothing else could have been. */
const LOGPROBS: TextLogprobs[] = [
  { bytes: Uint8Array.of(0xc3), logprob: -0.5, top: [{ token: 1, bytes: bytes('a'), logprob: -0.25 }] },
  { bytes: Uint8Array.of(0xa9), logprob: 0, top: [{ token: 2, bytes: bytes('b'), logprob: -Infinity }] },
];
const piece = (text: string, logprobs: TextLogprobs[] | null = null) => ({ text, tokenIds: [1, 2], logprobs });
const parsed = (json: string | null) => JSON.parse(json as string) as unknown;

const chatLogprobs = {
  content: [
    {
      token: 'bytes:\\xc3',
      logprob: -0.5,
      bytes: [0xc3],
      top_logprobs: [{ token: 'a', logprob: -0.25, bytes: [97] }],
    },
    {
      token: 'bytes:\\xa9',
      logprob: 0,
      bytes: [0xa9],
      top_logprobs: [{ token: 'b', logprob: -9999, bytes: [98] }],
    },
  ],
  refusal: null,
};
const textLogprobs = (offset: number) => ({
  tokens: ['bytes:\\xc3', 'bytes:\\xa9'],
  token_logprobs: [-0.5, 0],
  top_logprobs: [
    { a: -0.25, 'bytes:\\xc3': -0.5 },
    { b: -9999, 'bytes:\\xa9': 0 },
  ],
  text_offset: [offset, offset + 1],
});

describe('ChatChunks', () => {
  const chunks = new ChatChunks(head, FINGERPRINT, false);
  const choice = (index: number, delta: object, logprobs: object | null, finish_reason: string | null) => ({
    ...constant,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs, finish_reason }],
  });

  it('begins a choice with its role', () => {
    expect(parsed(chunks.begin(0))).toEqual(choice(0, { role: 'assistant', content: '' }, null, null));
  });

  it.each(['plain', 'line\nbreak "quoted" \\', '\u2028 and \u0000', '😀'])('carries %j unharmed', (content) => {
    const json = chunks.piece(7, piece(content));
    expect(parsed(json)).toEqual(choice(7, { content }, null, null));
    expect(json).not.toContain('\n');
  });

  it('carries log probabilities, even of tokens without text', () => {
    expect(parsed(chunks.piece(0, piece('é', LOGPROBS)))).toEqual(choice(0, { content: 'é' }, chatLogprobs, null));
    expect(parsed(chunks.piece(0, piece('', LOGPROBS)))).toEqual(choice(0, { content: '' }, chatLogprobs, null));
    expect(chunks.piece(0, piece(''))).toBeNull();
    expect(chunks.piece(0, piece('', []))).toBeNull();
  });

  it('ends a choice', () => {
    expect(parsed(chunks.finish(1, 'length'))).toEqual(choice(1, {}, null, 'length'));
  });

  it('has a null usage in each chunk and a last one with it, where it was asked for', () => {
    expect(chunks.end(usage)).toBeNull();
    const counted = new ChatChunks(head, FINGERPRINT, true);
    expect(parsed(counted.piece(0, piece('a')))).toHaveProperty('usage', null);
    expect(parsed(counted.end({ promptTokens: 3, completionTokens: 4 }))).toEqual({
      ...constant,
      object: 'chat.completion.chunk',
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    });
  });
});

describe('TextChunks', () => {
  const options = { head, withUsage: false, echo: 'none' as const };
  const chunks = new TextChunks(options, FINGERPRINT);
  const choice = (index: number, text: string, logprobs: object | null, finish_reason: string | null) => ({
    ...constant,
    object: 'text_completion',
    choices: [{ index, text, logprobs, finish_reason }],
  });

  it('begins with the text, or the prompt', () => {
    expect(chunks.begin(0, 'p')).toBeNull();
    const echoing = new TextChunks({ ...options, echo: 'prompt' }, FINGERPRINT);
    expect(parsed(echoing.begin(1, 'p'))).toEqual(choice(1, 'p', null, null));
    expect(parsed(echoing.piece(1, piece('a')))).toEqual(choice(1, 'a', null, null));
  });

  it('has the prompt alone where no more was asked for', () => {
    const echoing = new TextChunks({ ...options, echo: 'promptOnly' }, FINGERPRINT);
    expect(parsed(echoing.begin(1, 'p'))).toEqual(choice(1, 'p', null, null));
    expect(echoing.piece(1, piece('a'))).toBeNull();
    expect(parsed(echoing.finish(1, 'length'))).toEqual(choice(1, '', null, 'length'));
  });

  it('counts characters through a choice', () => {
    expect(parsed(chunks.piece(3, piece('é', LOGPROBS)))).toEqual(choice(3, 'é', textLogprobs(0), null));
    expect(parsed(chunks.piece(3, piece('é', LOGPROBS)))).toEqual(choice(3, 'é', textLogprobs(1), null));
    expect(parsed(chunks.piece(2, piece('é', LOGPROBS)))).toEqual(choice(2, 'é', textLogprobs(0), null));
    expect(chunks.piece(2, piece(''))).toBeNull();
  });

  it('ends a choice', () => expect(parsed(chunks.finish(0, 'stop'))).toEqual(choice(0, '', null, 'stop')));
});

describe('whole objects', () => {
  const answer: GatheredAnswer = {
    fingerprint: FINGERPRINT,
    prompts: [[1], [2]],
    promptTexts: ['p ', 'q '],
    choices: [
      { text: 'a', tokenIds: [1], logprobs: null, end: 'stop', matchedStop: 0 },
      { text: 'é', tokenIds: [2, 3], logprobs: LOGPROBS, end: 'length', matchedStop: null },
    ],
    usage,
  };
  const counted = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

  it('chatCompletion holds every choice in order', () => {
    const message = (content: string) => ({ role: 'assistant', content, refusal: null });
    expect(chatCompletion(head)(answer)).toEqual({
      ...constant,
      object: 'chat.completion',
      choices: [
        { index: 0, message: message('a'), logprobs: null, finish_reason: 'stop' },
        { index: 1, message: message('é'), logprobs: chatLogprobs, finish_reason: 'length' },
      ],
      usage: counted,
    });
  });

  it('textCompletion holds the choices of all prompts, with the prompts where they are echoed', () => {
    const expected = (first: string, second: string) => ({
      ...constant,
      object: 'text_completion',
      choices: [
        { index: 0, text: first, logprobs: null, finish_reason: 'stop' },
        { index: 1, text: second, logprobs: textLogprobs(0), finish_reason: 'length' },
      ],
      usage: counted,
    });
    expect(textCompletion(head, 'none')(answer)).toEqual(expected('a', 'é'));
    expect(textCompletion(head, 'prompt')(answer)).toEqual(expected('p a', 'q é'));
    expect(textCompletion(head, 'promptOnly')(answer)).toEqual(expected('p ', 'q '));
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
