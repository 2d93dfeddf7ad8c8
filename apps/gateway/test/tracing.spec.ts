import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import { FinishReason } from '@sliceway/protocol';
import { startOtlpReceiver, type OtlpReceiver } from '@sliceway/testing';
import { SpanKind } from '@sliceway/tracing';
import type { FakeDecode } from './fake-engines.js';
import { MODEL } from './fake-peer.js';
import type { FakeTokenizer } from './fake-tokenizer.js';
import { eventually, GatewayFixture } from './fixture.js';

const CHAT = { model: MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 };
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;
/** Of one text; a frame of NATS holds it. */
const LARGE_TEXT = 'x'.repeat(900_000);
/** More than both ends' sockets hold, together. */
const LARGE_TEXTS = 30;

describe('the trace of a gateway', () => {
  let receiver: OtlpReceiver;
  let fixture: GatewayFixture;
  let workers: { decode: FakeDecode; tokenizer: FakeTokenizer };

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    fixture = await GatewayFixture.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      SLICEWAY_TRACE_LEVEL: '3',
      SLICEWAY_MAX_CLIENT_BUFFER_BYTES: String(100 << 20),
    });
    workers = await fixture.addWorkers();
  });
  afterAll(async () => {
    await fixture?.stop();
    await receiver?.close();
  });
  afterEach(() => {
    workers.decode.holdAt = Infinity;
  });

  const spansOf = async (rid: string) => {
    const isRequest = ({ name, attributes }: { name: string; attributes: object }): boolean =>
      name.startsWith('gateway Req') && (attributes as { rid?: unknown }).rid === rid;
    const spans = await receiver.waitFor((all) => all.some(isRequest));
    const { traceId } = spans.find(isRequest)!;
    return spans.filter((span) => span.traceId === traceId);
  };

  it('has one socket_write for each write to the client, and no other', async () => {
    const streamed = await fixture.post(JSON.stringify({ ...CHAT, stream: true }));
    const events = (await streamed.text()).split('\n\n').length - 1;
    const whole = await fixture.post(JSON.stringify(CHAT));
    await whole.text();
    for (const [response, writes] of [
      [streamed, events],
      [whole, 1],
    ] as const) {
      const spans = await spansOf(response.headers.get('x-request-id')!);
      const stream = spans.find(({ name }) => name === 'stream')!;
      const written = spans.filter(({ name }) => name === 'socket_write');
      expect(written).toHaveLength(writes);
      for (const { parentSpanId } of written) expect(parentSpanId).toBe(stream.spanId);
    }
  });

  it('is that of the line of the log which a request leaves, which has none of its text', async () => {
    const response = await fixture.post(JSON.stringify(CHAT));
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    const rid = response.headers.get('x-request-id')!;
    let lines: string[] = [];
    await eventually(() => {
      const log = readFileSync(fixture.gateway.logFile, 'utf8');
      lines = log.split('\n').filter((line) => line.includes(rid));
      return lines.length > 0;
    }, 'its line is written');
    expect(lines).toHaveLength(1);
    const traceId = response.headers.get('traceparent')!.slice(3, 35);
    const line = JSON.parse(lines[0]!) as object;
    expect(line).toMatchObject({
      level: 'info',
      msg: 'request finished',
      rid,
      trace_id: traceId,
      completion_tokens: 5,
    });
    expect(lines[0]).not.toContain(choices[0]!.message.content);
  });

  it('has a room for each prompt, all under the HTTP request', async () => {
    const response = await fetch(`${fixture.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: MODEL, prompt: ['one', 'three'], max_tokens: 3 }),
    });
    await response.text();
    const spans = await spansOf(response.headers.get('x-request-id')!);
    const rooms = spans.filter(({ name }) => name.startsWith('Bootstrap Room'));
    expect(rooms).toHaveLength(2);
    const server = spans.find(({ kind }) => kind === SpanKind.server);
    expect(rooms.map(({ parentSpanId }) => parentSpanId)).toEqual([server?.spanId, server?.spanId]);
  });

  it('is named by answers that come before there is a request, too', async () => {
    const answers = [
      await fixture.post('{'),
      await fixture.post(JSON.stringify({ model: 'x'.repeat(5 * 2 ** 20) })),
      await fetch(`${fixture.url}/v1/chat/completions`),
      await fetch(`${fixture.url}/elsewhere`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 413, 405, 404]);
    for (const { headers } of answers) {
      const traceparent = headers.get('traceparent');
      expect(traceparent).toMatch(TRACEPARENT);
      await receiver.waitFor((spans) => spans.some(({ spanId }) => spanId === traceparent!.slice(36, 52)));
    }
  });

  // The last one: it ends the gateway.
  it('lasts until a slow client has the text, and leaves when the gateway ends before', async () => {
    workers.decode.holdAt = 1;
    const body = JSON.stringify({ ...CHAT, max_tokens: 50, stream: true });
    const client = connect(Number(new URL(fixture.url).port), '127.0.0.1').pause();
    client.on('error', () => {});
    const head = `host: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    client.write(`POST /v1/chat/completions HTTP/1.1\r\n${head}\r\n\r\n${body}`);
    const before = workers.decode.legs.length;
    await eventually(() => workers.decode.legs.length > before, 'the leg is there');
    const { rid, gateway } = workers.decode.legs.at(-1)!.leg;
    const ended = await fixture.ends('finished');
    for (let index = 1; index <= LARGE_TEXTS; index++) {
      const finish = index === LARGE_TEXTS ? FinishReason.length : FinishReason.none;
      const text = { rid, choice: 0, attempt: 0, index, tokens: [1], text: LARGE_TEXT, finish };
      workers.tokenizer.sendText(gateway, { ...text, matchedStop: null, logprobs: null });
      await fixture.connection.flush();
    }
    await eventually(async () => (await fixture.ends('finished')) > ended, 'the request has ended', 20_000);
    const isOf = ({ attributes }: { attributes: object }): boolean => (attributes as { rid?: unknown }).rid === rid;
    // Longer than spans take to come.
    await sleep(500);
    expect(receiver.spans().some(isOf)).toBe(false);
    const endedMs = Date.now();
    fixture.gateway.kill('SIGTERM');
    expect(await fixture.gateway.exited).toMatchObject({ code: 0 });
    client.destroy();
    const spans = await spansOf(rid);
    const stream = spans.find(({ name }) => name === 'stream')!;
    expect(stream.status.message).toBe('connection_closed');
    expect(Number(stream.endNs / 1_000_000n)).toBeGreaterThanOrEqual(endedMs);
    expect(stream.events.map(({ name }) => name)).toContain('last_text');
  });
});
