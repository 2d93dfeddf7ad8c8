import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FinishReason, subjects } from '@sliceway/protocol';
import { APIError } from 'openai';
import { tokenOf, type FakeDecode, type FakePrefill } from './fake-engines.js';
import { MODEL } from './fake-peer.js';
import type { FakeTokenizer } from './fake-tokenizer.js';
import { eventually, GatewayFixture } from './fixture.js';

const chat = (fields: object = {}) =>
  JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 50, ...fields });

describe('what goes wrong', () => {
  let fixture: GatewayFixture;
  let workers: { tokenizer: FakeTokenizer; prefill: FakePrefill; decode: FakeDecode };

  beforeAll(async () => {
    fixture = await GatewayFixture.start({
      SLICEWAY_MAX_CONCURRENT_REQUESTS: '4',
      SLICEWAY_MAX_BODY_BYTES: '10000',
      SLICEWAY_MAX_CLIENT_BUFFER_BYTES: '20000',
      SLICEWAY_REQUEST_TIMEOUT_MS: '2500',
      SLICEWAY_STALL_TIMEOUT_MS: '2000',
    });
  });
  afterAll(() => fixture.stop());
  afterEach(async () => {
    if (workers === undefined) return;
    workers.decode.holdAt = Infinity;
    await eventually(async () => (await fixture.metric(/^sliceway_requests_active/)) === 0, 'all requests have ended');
  });

  /** A stream that has begun and stays at its third token. */
  async function heldStream() {
    workers.decode.holdAt = 3;
    const response = await fixture.post(chat({ stream: true }));
    const rid = response.headers.get('x-request-id') as string;
    const { leg } = workers.decode.legs.find((candidate) => candidate.leg.rid === rid)!;
    return { leg, events: async () => (await response.text()).split('\n\n') };
  }

  it('503 while no worker is there', async () => {
    const ready = await fetch(`${fixture.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ reasons: ['no tokenizer, no prefill, no decode worker is ready'] });
    const response = await fixture.post(chat());
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'not_ready' } });
    expect(await (await fetch(`${fixture.url}/v1/models`)).json()).toEqual({ object: 'list', data: [] });
    workers = await fixture.addWorkers();
  });

  it.each([
    ['{', 400, 'invalid_json'],
    ['"text"', 400, 'invalid_json'],
    ['[]', 400, 'invalid_type'],
    [chat({ model: 'other' }), 404, 'model_not_found'],
    [chat({ max_tokens: 1000 }), 400, 'context_length_exceeded'],
    [chat({ tools: [{}] }), 400, 'unsupported_parameter'],
    [chat({ user: 'x'.repeat(10_000) }), 413, 'request_too_large'],
  ])('%.40s is answered with %d %s', async (body, status, code) => {
    const response = await fixture.post(body);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
    expect(error).toMatchObject({ type: 'invalid_request_error', code });
  });

  it('an unknown route has the same shape', async () => {
    const response = await fetch(`${fixture.url}/v1/nothing`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: 'Unknown request URL: GET /v1/nothing.',
        type: 'invalid_request_error',
        param: null,
        code: 'unknown_url',
      },
    });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('the fifth of four requests is told to come back', async () => {
    const held = await Promise.all([heldStream(), heldStream(), heldStream(), heldStream()]);
    const response = await fixture.post(chat());
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'queue_full' } });
    for (const { leg } of held) workers.decode.fail(leg, 'engine_error');
    await Promise.all(held.map(({ events }) => events()));
  });

  it('a worker that fails after the first byte: an error event, and the client throws', async () => {
    const before = await fixture.ends('failed');
    workers.decode.holdAt = 3;
    const stream = await fixture.client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 50,
      stream: true,
    });
    let content = '';
    const read = async () => {
      for await (const { choices } of stream) {
        content += choices[0]?.delta.content ?? '';
        if (content.includes(String(tokenOf(0, 2)))) workers.decode.fail(workers.decode.legs.at(-1)!.leg, 'kv_corrupt');
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'kv_corrupt', type: 'server_error' });
    await expect(read()).rejects.toBeInstanceOf(Error);
    const { rid } = workers.decode.legs.at(-1)!.leg;
    for (const worker of Object.values(workers)) {
      await eventually(() => worker.abortsOf(rid).length === 1, `${worker.role} hears of it`);
      expect(worker.abortsOf(rid)[0]).toMatchObject({ choice: null, reason: 'attempt_failed' });
    }
    expect(await fixture.ends('failed')).toBe(before + 1);
  });

  it('the only decode worker fails before the first byte: 502', async () => {
    const answer = fixture.client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'Hi' }],
      n: 1,
      max_tokens: 50,
    });
    workers.decode.holdAt = 1;
    const seen = workers.decode.legs.length;
    await eventually(() => workers.decode.legs.length > seen, 'decode has its leg');
    workers.decode.fail(workers.decode.legs.at(-1)!.leg, 'engine_error');
    const error = await answer.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 502, code: 'engine_error' });
  });

  it('a lost text frame fails the requests of that tokenizer', async () => {
    const { leg, events } = await heldStream();
    workers.tokenizer.loseFrame(leg.gateway);
    workers.tokenizer.sendText(leg.gateway, {
      rid: leg.rid,
      choice: 0,
      attempt: 0,
      finish: FinishReason.none,
      index: 3,
      tokens: [1],
      text: 'x',
      matchedStop: null,
      logprobs: null,
    });
    const last = (await events()).at(-2) as string;
    expect(last).toMatch(/^event: error\ndata: /);
    expect(last).toContain('"code":"frame_lost"');
    expect(await fixture.metric(/^sliceway_text_frames_lost_total/)).toBe(1);
  });

  it('a token that never comes', async () => {
    const { events } = await heldStream();
    expect((await events()).at(-2)).toContain('"code":"token_lost"');
  });

  it('a deadline before the first token: 504', async () => {
    workers.tokenizer.answers = false;
    const response = await fixture.post(chat());
    workers.tokenizer.answers = true;
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: 'deadline' } });
    const rid = response.headers.get('x-request-id') as string;
    await eventually(() => workers.tokenizer.abortsOf(rid).length === 1, 'the tokenizer hears of it');
    expect(workers.tokenizer.abortsOf(rid)).toMatchObject([{ reason: 'deadline' }]);
  });

  it('a client that does not read is dropped with that reason', async () => {
    const { port, hostname } = new URL(fixture.url);
    const before = await fixture.ends('aborted');
    const body = chat({ stream: true });
    const socket = connect(Number(port), hostname).pause();
    socket.on('error', () => {});
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    workers.decode.holdAt = 2;
    const seen = workers.decode.legs.length;
    await eventually(() => workers.decode.legs.length > seen, 'decode has its leg');
    const { leg } = workers.decode.legs.at(-1)!;
    await eventually(() => workers.tokenizer.live.has(leg.rid), 'the request runs');
    await sleep(100);
    const entry = { rid: leg.rid, choice: 0, attempt: 0, finish: FinishReason.none, matchedStop: null, logprobs: null };
    const flood = async () => {
      for (let index = 2; workers.decode.abortsOf(leg.rid).length === 0 && index < 500; index++) {
        workers.tokenizer.sendText(leg.gateway, { ...entry, index, tokens: [1], text: 'x'.repeat(100_000) });
        await fixture.connection.flush();
      }
    };
    await flood();
    expect(workers.decode.abortsOf(leg.rid)).toMatchObject([{ reason: 'slow_client' }]);
    socket.destroy();
    expect(await fixture.ends('aborted')).toBe(before + 1);
  });

  it('malformed messages are dropped and hurt nobody', async () => {
    const { leg, events } = await heldStream();
    for (const bytes of ['', 'SW', '\u0000'.repeat(64)]) fixture.connection.publish(subjects.text(leg.gateway), bytes);
    for (const bytes of ['', '{', '{"data":{"rid":1}}', '{"pattern":"x","data":{"rid":"zz"}}']) {
      fixture.connection.publish(subjects.failed(leg.gateway), bytes);
      fixture.connection.publish(subjects.heartbeat, bytes);
    }
    await fixture.connection.flush();
    workers.decode.holdAt = Infinity;
    expect((await events()).at(-2)).toBe('data: [DONE]');
  });

  it('a worker that vanishes: worker_lost, and no new request goes there', async () => {
    const { events } = await heldStream();
    workers.decode.vanish();
    expect((await events()).at(-2)).toContain('"code":"worker_lost"');
    const response = await fixture.post(chat());
    expect(response.status).toBe(503);
  });
});
