import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { ApiError } from '../openai/api-error.js';
import { ChatChunks } from '../openai/chat-chunks.js';
import { chatCompletion } from '../openai/chat-completion.js';
import type { CompletionSink } from '../openai/completion-sink.js';
import { SharedAnswer } from './shared-answer.js';
import { StreamedAnswer } from './streamed-answer.js';
import { WholeAnswer } from './whole-answer.js';

const head = { id: 'chatcmpl-r1', createdAtSeconds: 1, model: 'm' };
const USAGE = { promptTokens: 1, completionTokens: 2 };
const ONE = { prompts: 1, choices: 1 };
const TWO = { prompts: 2, choices: 2 };
const piece = (text: string) => ({ text, tokenIds: [1], logprobs: null });

/** Answers one request of a real HTTP client by `answer`. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close().closeAllConnections() };
}

async function received(answer: (response: ServerResponse) => void): Promise<Response & { body_: string }> {
  const server = await serve((_, response) => answer(response));
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    return Object.assign(response, { body_: await response.text() });
  } finally {
    server.close();
  }
}

function streamed(response: ServerResponse, shape = ONE, includeUsage = false): SharedAnswer {
  const format = (fingerprint: string) => new ChatChunks(head, fingerprint, includeUsage);
  return new SharedAnswer(new StreamedAnswer(response, shape, 1000, format), shape);
}

function whole(response: ServerResponse, shape = ONE): SharedAnswer {
  return new SharedAnswer(new WholeAnswer(response, shape, false, chatCompletion(head)), shape);
}

function answerTwoTokens(sink: CompletionSink): void {
  sink.promptReady([1], null);
  sink.open('f');
  sink.text(0, piece('a'));
  sink.text(0, piece('b'));
  sink.finish(0, 'stop', null);
  sink.end(USAGE);
}

/** All choices of one prompt of `TWO`, each with one text. */
function answerTwoChoices(sink: CompletionSink, texts: [string, string]): void {
  sink.promptReady([1], null);
  sink.open('f');
  for (const choice of [0, 1]) sink.text(choice, piece(texts[choice]!));
  for (const choice of [0, 1]) sink.finish(choice, 'stop', null);
  sink.end(USAGE);
}

const events = (body: string) =>
  body
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)));

describe('StreamedAnswer', () => {
  it('sends role, text, end and [DONE] as events', async () => {
    const { headers, status, body_ } = await received((response) => answerTwoTokens(streamed(response).sink(0)));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(body_.split('\n\n').slice(-2)).toEqual(['data: [DONE]', '']);
    const deltas = events(body_).map(({ choices }) => [choices[0].delta, choices[0].finish_reason]);
    expect(deltas).toEqual([
      [{ role: 'assistant', content: '' }, null],
      [{ content: 'a' }, null],
      [{ content: 'b' }, null],
      [{}, 'stop'],
    ]);
  });

  it('sends the usage of all prompts before [DONE] where it was asked for', async () => {
    const { body_ } = await received((response) => {
      const answer = streamed(response, TWO, true);
      answerTwoChoices(answer.sink(1), ['c', 'd']);
      answerTwoChoices(answer.sink(0), ['a', 'b']);
    });
    const chunks = events(body_);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 4 } });
    const texts = chunks.slice(0, -1).filter(({ choices }) => choices[0].delta.content);
    expect(texts.map(({ choices }) => [choices[0].index, choices[0].delta.content])).toEqual([
      [2, 'c'],
      [3, 'd'],
      [0, 'a'],
      [1, 'b'],
    ]);
    expect(body_.match(/\[DONE\]/g)).toHaveLength(1);
  });

  it('has sent nothing of a prompt until its first text, and may begin again', async () => {
    const { body_ } = await received((response) => {
      const answer = streamed(response, TWO);
      const [first, second] = [answer.sink(0), answer.sink(1)];
      first.promptReady([1], null);
      first.open('f');
      first.text(0, piece(''));
      expect([first.hasSent, response.headersSent]).toEqual([false, false]);
      first.promptReady([1], null);
      first.open('0123456789abc');
      first.text(1, piece('a'));
      expect([first.hasSent, second.hasSent]).toEqual([true, false]);
      second.drop();
      response.end();
    }).catch(() => ({ body_: '' }));
    expect(events(body_).map(({ system_fingerprint }) => system_fingerprint)).not.toContain('fp_f');
  });

  it('fails with a status before the first event and with an event after it', async () => {
    const error = new ApiError(502, 'why', { code: 'worker_lost' });
    const early = await received((response) => {
      const sink = streamed(response).sink(0);
      sink.open('f');
      sink.fail(error);
    });
    expect([early.status, JSON.parse(early.body_)]).toEqual([502, error.body]);
    const late = await received((response) => {
      const sink = streamed(response).sink(0);
      sink.open('f');
      sink.text(0, piece('a'));
      sink.fail(error);
    });
    expect(late.status).toBe(200);
    expect(late.body_.split('\n\n').slice(-2)).toEqual([`event: error\ndata: ${JSON.stringify(error.body)}`, '']);
  });

  it('ends with the first failure of several prompts', async () => {
    const error = new ApiError(502, 'why', { code: 'worker_lost' });
    const { body_ } = await received((response) => {
      const answer = streamed(response, TWO);
      answerTwoChoices(answer.sink(0), ['a', 'b']);
      answer.sink(1).fail(error);
      answer.sink(1).fail(new ApiError(500, 'another'));
      answerTwoChoices(answer.sink(1), ['c', 'd']);
    });
    expect(body_.split('\n\n').slice(-2)).toEqual([`event: error\ndata: ${JSON.stringify(error.body)}`, '']);
    expect(body_).not.toContain('"c"');
  });

  it('says when a client reads nothing', async () => {
    let report: (keepsUp: boolean[]) => void;
    const written = new Promise<boolean[]>((resolve) => (report = resolve));
    const server = await serve((_, response) => {
      const sink = streamed(response).sink(0);
      sink.open('f');
      const keepsUp: boolean[] = [];
      // More than the socket buffers of both ends hold.
      for (let i = 0; i < 2000 && keepsUp.at(-1) !== false; i++) keepsUp.push(sink.text(0, piece('x'.repeat(10_000))));
      sink.drop();
      report(keepsUp);
    });
    const socket = connect(server.port, '127.0.0.1').pause();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    expect((await written).at(-1)).toBe(false);
    socket.destroy();
    server.close();
  });
});

describe('WholeAnswer', () => {
  it('sends one object', async () => {
    const { headers, body_ } = await received((response) => answerTwoTokens(whole(response).sink(0)));
    expect(headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(body_)).toMatchObject({
      id: 'chatcmpl-r1',
      choices: [{ message: { content: 'ab' }, finish_reason: 'stop' }],
      usage: { total_tokens: 3 },
    });
  });

  it('sends the choices of all prompts with the last end', async () => {
    const { body_ } = await received((response) => {
      const answer = whole(response, TWO);
      answerTwoChoices(answer.sink(1), ['c', 'd']);
      expect(response.headersSent).toBe(false);
      answerTwoChoices(answer.sink(0), ['a', 'b']);
    });
    const { choices, usage } = JSON.parse(body_);
    expect(choices.map((choice: { message: { content: string } }) => choice.message.content).join('')).toBe('abcd');
    expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 4 });
  });

  it('forgets what another attempt replaces', async () => {
    const { body_ } = await received((response) => {
      const sink = whole(response).sink(0);
      sink.promptReady([1], null);
      sink.open('f');
      sink.text(0, piece('gone'));
      expect(sink.hasSent).toBe(false);
      answerTwoTokens(sink);
    });
    expect(JSON.parse(body_)).toMatchObject({ choices: [{ message: { content: 'ab' } }] });
  });

  it('fails with a status and says when to come back', async () => {
    const { headers, status } = await received((response) => {
      const sink = whole(response).sink(0);
      sink.open('f');
      sink.text(0, piece('a'));
      sink.fail(new ApiError(429, 'full', { retryAfterSeconds: 2 }));
    });
    expect([status, headers.get('retry-after')]).toEqual([429, '2']);
  });
});
