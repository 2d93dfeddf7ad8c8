import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Logger as NestLogger, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientNats,
  Ctx,
  EventPattern,
  MessagePattern,
  NatsContext,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { identity, MessageClient, processMessage, type LogOnce } from '@sliceway/service';
import { requestTrace, resumeRequest, SpanKind, SpanStatus, startRequest, type RequestTrace } from '@sliceway/tracing';
import { control, named, recordAll, recorded } from '@sliceway/tracing/testing';
import { Broker } from './broker.fixture.js';
import { until } from './until.fixture.js';

const RID = 'ab'.repeat(16);
const ENCODE = 'sw.tokenizer.0000000a.encode';
const ABORT = 'sw.tokenizer.0000000a.abort';

/** Handles what it gets as the services do. */
@Controller()
class Receiver {
  readonly headers: string[][] = [];
  trace: RequestTrace | undefined;

  @MessagePattern<string>(ENCODE)
  encode(@Payload() message: { fails?: boolean }, @Ctx() context: NatsContext): Promise<string> {
    this.trace = resumeRequest(context.getHeaders(), { rid: RID, role: 'tokenizer' });
    this.trace.sliceStart('tokenize');
    return processMessage(this.trace, context, async () => {
      await sleep(20);
      if (message.fails) throw new Error('no template');
      return 'encoded';
    });
  }

  @EventPattern<string>(ABORT)
  abort(@Payload() message: { fails?: boolean }, @Ctx() context: NatsContext): void {
    this.headers.push(context.getHeaders()?.keys() ?? []);
    processMessage(requestTrace(RID), context, () => {
      if (message.fails) throw new Error('who is that');
      this.trace?.abort('superseded');
    });
  }
}

@Module({ controllers: [Receiver] })
class ReceiverModule {}

describe('the spans of control messages, over a nats-server', () => {
  let broker: Broker;
  let service: INestMicroservice;
  let receiver: Receiver;
  let messages: MessageClient;
  let dropped: string[];

  beforeAll(async () => {
    NestLogger.overrideLogger(false);
    broker = await Broker.start();
    service = await NestFactory.createMicroservice<MicroserviceOptions>(ReceiverModule, {
      transport: Transport.NATS,
      options: { servers: broker.url },
      logger: false,
    });
    await service.listen();
    receiver = service.get(Receiver);
    const faults = { warn: (kind: string) => dropped.push(kind) } as unknown as LogOnce;
    messages = new MessageClient(new ClientNats({ servers: broker.url }), faults, { set() {} } as never);
    await messages.connect();
  });
  beforeEach(() => {
    recordAll();
    recorded();
    dropped = [];
    receiver.headers.length = 0;
  });
  afterEach(() => requestTrace(RID).abort('the test is over'));
  afterAll(async () => {
    control.enabled = false;
    await messages.close();
    await service.close();
    await broker.stop();
  });

  function begin(): RequestTrace {
    const trace = startRequest({ rid: RID, role: 'gateway' });
    trace.sliceStart('tokenize_wait');
    return trace;
  }

  /** What the tokenizer recorded of a request is there, too. */
  function end(...traces: (RequestTrace | undefined)[]): ReturnType<typeof recorded> {
    for (const trace of traces) trace?.finish();
    return recorded();
  }

  it('a request: sent at once, processed until it is answered', async () => {
    const gateway = begin();
    const answer = await messages.request(ENCODE, {}, { timeoutMs: 5000, trace: gateway });
    expect(answer).toBe('encoded');
    const spans = end(receiver.trace, gateway);
    const [send, process] = [named(spans, 'send sw.tokenizer.encode'), named(spans, 'process sw.tokenizer.encode')];
    expect(send).toMatchObject({ kind: SpanKind.producer, parentSpanId: named(spans, 'tokenize_wait').spanId });
    expect(send.attributes).toMatchObject({
      'messaging.destination.name': ENCODE,
      'messaging.client.id': identity.instance,
      'messaging.message.conversation_id': RID,
    });
    expect(process).toMatchObject({
      kind: SpanKind.consumer,
      parentSpanId: named(spans, 'tokenize').parentSpanId,
      links: [{ traceId: send.traceId, spanId: send.spanId, attributes: { 'link.kind': 'message' } }],
    });
    expect(send.endNs).toBeLessThan(process.endNs);
    expect(process.endNs - process.startNs).toBeGreaterThan(15_000_000n);
  });

  it('a request whose handling fails: the reason is on the CONSUMER span', async () => {
    const gateway = begin();
    const asked = messages.request(ENCODE, { fails: true }, { timeoutMs: 5000, trace: gateway });
    await expect(asked).rejects.toBeDefined();
    const spans = end(receiver.trace, gateway);
    expect(named(spans, 'process sw.tokenizer.encode').status).toEqual({
      code: SpanStatus.error,
      message: 'no template',
    });
    expect(named(spans, 'send sw.tokenizer.encode').status.code).toBe(SpanStatus.unset);
  });

  it('an event about a request that is known there carries the PRODUCER span and nothing else', async () => {
    const gateway = begin();
    await messages.request(ENCODE, {}, { timeoutMs: 5000, trace: gateway });
    messages.notify(ABORT, {}, gateway);
    await until('it came', () => receiver.headers.length === 1);
    expect(receiver.headers).toEqual([['x-sliceway-message']]);
    const spans = end(gateway);
    const send = named(spans, 'send sw.tokenizer.abort');
    expect(named(spans, 'process sw.tokenizer.abort').links).toMatchObject([{ spanId: send.spanId }]);
    expect(named(spans, /^tokenizer Req/).status.message).toBe('superseded');
  });

  it('an event whose handling throws, and one that cannot be sent', async () => {
    const gateway = begin();
    await messages.request(ENCODE, {}, { timeoutMs: 5000, trace: gateway });
    messages.notify(ABORT, { fails: true }, gateway);
    await until('it came', () => receiver.headers.length === 1);
    messages.notify(ABORT, { text: 'x'.repeat(2 * 1024 * 1024) }, gateway);
    await until('it was counted', () => dropped.length === 1);
    const spans = end(receiver.trace, gateway);
    expect(named(spans, 'process sw.tokenizer.abort').status.message).toBe('who is that');
    const sent = spans.filter(({ name }) => name === 'send sw.tokenizer.abort');
    expect(sent.map(({ status }) => status.code)).toEqual([SpanStatus.unset, SpanStatus.error]);
  });

  it('a request that cannot be sent', async () => {
    const gateway = begin();
    const text = 'x'.repeat(2 * 1024 * 1024);
    await expect(messages.request(ENCODE, { text }, { timeoutMs: 5000, trace: gateway })).rejects.toBeDefined();
    expect(named(end(gateway), 'send sw.tokenizer.encode').status.code).toBe(SpanStatus.error);
  });

  it('where there are none, an event about a request has no header at all', async () => {
    recordAll(2);
    const gateway = begin();
    await messages.request(ENCODE, {}, { timeoutMs: 5000, trace: gateway });
    messages.notify(ABORT, {}, gateway);
    await until('it came', () => receiver.headers.length === 1);
    expect(receiver.headers).toEqual([[]]);
    expect(end(gateway).filter(({ kind }) => kind !== SpanKind.internal)).toEqual([]);
  });
});
