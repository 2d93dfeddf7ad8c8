import { Logger as NestLogger } from '@nestjs/common';
import { ClientNats } from '@nestjs/microservices';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { FailureCode, parseFailed, subjects } from '@sliceway/protocol';
import { FailureReporter, identity, MessageClient, type LogOnce, type Logger } from '@sliceway/service';
import { NULL_TRACE, type RequestTrace } from '@sliceway/tracing';
import { Broker } from './broker.fixture.js';
import { until } from './until.fixture.js';

const TRACEPARENT = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
const TRACE: RequestTrace = {
  ...NULL_TRACE,
  inject: (carrier) => void carrier.set('traceparent', TRACEPARENT),
};

describe('MessageClient', () => {
  let broker: Broker;
  let far: NatsConnection;
  let client: ClientNats;
  let messages: MessageClient;
  let dropped: unknown[];
  let isUp: boolean;

  beforeAll(async () => {
    // Nest's client tells of every connection.
    NestLogger.overrideLogger(false);
    broker = await Broker.start();
  });
  beforeEach(async () => {
    far = await broker.connect();
    dropped = [];
    isUp = false;
    client = new ClientNats({ servers: broker.url });
    messages = new MessageClient(
      client,
      { warn: (kind: string, _error: unknown, fields: object) => dropped.push([kind, fields]) } as unknown as LogOnce,
      { set: (_purpose: string, up: boolean) => (isUp = up) } as never,
    );
    await messages.connect();
  });
  afterEach(async () => {
    await messages.close();
    await far.close();
  });
  afterAll(() => broker.stop());

  const received = async (subject: string): Promise<Msg[]> => {
    const all: Msg[] = [];
    far.subscribe(subject, { callback: (_error, message) => void all.push(message) });
    await far.flush();
    return all;
  };
  const replyOf = (message: Msg, response: unknown): string =>
    JSON.stringify({ id: message.json<{ id: string }>().id, response, isDisposed: true });

  it('emits messages in order, each with the context it was given', async () => {
    const all = await received('test.event');
    for (let i = 0; i < 100; i++) messages.emit('test.event', { i }, i % 2 === 0 ? TRACE : undefined);
    await messages.flush();
    await far.flush();
    expect(all.map((message) => message.json<{ data: { i: number } }>().data.i)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(all.slice(0, 2).map(({ headers }) => headers?.get('traceparent') ?? '')).toEqual([TRACEPARENT, '']);
    expect([dropped, isUp]).toEqual([[], true]);
  });

  it('gives the reply to a request, which carries its context', async () => {
    let context: string | undefined;
    far.subscribe('test.request', {
      callback: (_error, message) => {
        context = message.headers?.get('traceparent');
        message.respond(replyOf(message, { echo: message.json<{ data: unknown }>().data }));
      },
    });
    await far.flush();
    expect(await messages.request('test.request', { n: 1 }, { timeoutMs: 5000, trace: TRACE })).toEqual({
      echo: { n: 1 },
    });
    expect(context).toBe(TRACEPARENT);
  });

  it('rejects a request that nobody hears at once, and one that nobody answers in time', async () => {
    const startMs = performance.now();
    await expect(messages.request('test.nobody', {}, { timeoutMs: 5000 })).rejects.toThrow();
    expect(performance.now() - startMs).toBeLessThan(2500);
    await received('test.silent');
    await expect(messages.request('test.silent', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const given = new AbortController();
    const abandoned = messages.request('test.silent', {}, { timeoutMs: 60_000, signal: given.signal });
    setTimeout(() => given.abort(), 20);
    await expect(abandoned).rejects.toMatchObject({ name: 'EmptyError' });
  });

  it('counts an event that cannot be sent, and throws nothing', async () => {
    messages.emit('test.event', { tooLarge: 'x'.repeat(2 * 1024 * 1024) });
    await until('it was counted', () => dropped.length === 1);
    expect(dropped).toEqual([['unsent_message', { subject: 'test.event' }]]);
    const all = await received('test.event');
    messages.emit('test.event', {});
    await messages.flush();
    await far.flush();
    expect(all).toHaveLength(1);
  });

  it('brings a failure to the gateway of the attempt, in the form that it reads', async () => {
    const all = await received(subjects.failed('0000000a'));
    const lines: object[] = [];
    const child = (bound: object) => ({ warn: (fields: object) => lines.push({ ...bound, ...fields }) });
    const logger = { child } as unknown as Logger;
    const rid = 'a'.repeat(32);
    new FailureReporter('decode', messages, logger).report(
      { gateway: '0000000a', rid, choice: null, attempt: 3 },
      FailureCode.kvTimeout,
      'silence',
    );
    await messages.flush();
    await far.flush();
    expect(all.map((message) => parseFailed(message.json<{ data: unknown }>().data))).toEqual([
      {
        rid,
        choice: null,
        attempt: 3,
        code: 'kv_timeout',
        message: 'silence',
        from: { role: 'decode', instance: identity.instance },
      },
    ]);
    expect(lines).toEqual([{ rid, choice: null, attempt: 3, code: 'kv_timeout', reason: 'silence' }]);
  });
});
