import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { ApiError } from '../openai/api-error.js';
import type { CompletionSink } from '../openai/completion-sink.js';
import { JsonSink } from './json-sink.js';
import { SseSink } from './sse-sink.js';

const head = { rid: 'r1', createdAtSeconds: 1, model: 'm' };
const USAGE = { promptTokens: 1, completionTokens: 2 };

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

const sse = (response: ServerResponse, includeUsage = false): SseSink =>
  new SseSink(response, { head, includeUsage, maxBufferedBytes: 1000 });

function answerTwoTokens(sink: CompletionSink): void {
  sink.open('f');
  sink.text(0, 'a');
  sink.text(0, 'b');
  sink.finish(0, 'stop');
  sink.end(USAGE);
}

describe('SseSink', () => {
  it('sends role, text, end and [DONE] as events', async () => {
    const { headers, status, body_ } = await received((response) => answerTwoTokens(sse(response)));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = body_.split('\n\n');
    expect(events.at(-1)).toBe('');
    expect(events.at(-2)).toBe('data: [DONE]');
    const deltas = events.slice(0, -2).map((event) => JSON.parse(event.slice('data: '.length)).choices[0]);
    expect(deltas.map(({ delta, finish_reason }) => [delta, finish_reason])).toEqual([
      [{ role: 'assistant', content: '' }, null],
      [{ content: 'a' }, null],
      [{ content: 'b' }, null],
      [{}, 'stop'],
    ]);
  });

  it('sends the usage before [DONE] where it was asked for', async () => {
    const { body_ } = await received((response) => answerTwoTokens(sse(response, true)));
    const usage = JSON.parse((body_.split('\n\n').at(-3) as string).slice('data: '.length));
    expect(usage).toMatchObject({ choices: [], usage: { total_tokens: 3 } });
  });

  it('fails with a status before the first event and with an event after it', async () => {
    const error = new ApiError(502, 'why', { code: 'worker_lost' });
    const early = await received((response) => {
      const sink = sse(response);
      sink.open('f');
      sink.fail(error);
    });
    expect([early.status, JSON.parse(early.body_)]).toEqual([502, error.body]);
    const late = await received((response) => {
      const sink = sse(response);
      sink.open('f');
      sink.text(0, 'a');
      sink.fail(error);
    });
    expect(late.status).toBe(200);
    expect(late.body_.split('\n\n').slice(-2)).toEqual([`event: error\ndata: ${JSON.stringify(error.body)}`, '']);
  });

  it('says when a client reads nothing', async () => {
    let report: (keepsUp: boolean[]) => void;
    const written = new Promise<boolean[]>((resolve) => (report = resolve));
    const server = await serve((_, response) => {
      const sink = sse(response);
      sink.open('f');
      const keepsUp: boolean[] = [];
      // More than the socket buffers of both ends hold.
      for (let i = 0; i < 2000 && keepsUp.at(-1) !== false; i++) keepsUp.push(sink.text(0, 'x'.repeat(10_000)));
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

describe('JsonSink', () => {
  it('sends one object', async () => {
    const { headers, body_ } = await received((response) => answerTwoTokens(new JsonSink(response, head, 1)));
    expect(headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(body_)).toMatchObject({
      id: 'chatcmpl-r1',
      choices: [{ message: { content: 'ab' }, finish_reason: 'stop' }],
      usage: { total_tokens: 3 },
    });
  });

  it('fails with a status and says when to come back', async () => {
    const { headers, status } = await received((response) => {
      const sink = new JsonSink(response, head, 1);
      sink.open('f');
      sink.text(0, 'a');
      sink.fail(new ApiError(429, 'full', { retryAfterSeconds: 2 }));
    });
    expect([status, headers.get('retry-after')]).toEqual([429, '2']);
  });
});
