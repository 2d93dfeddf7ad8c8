import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { subjects } from '@sliceway/protocol';
import OpenAI, { AuthenticationError } from 'openai';
import { MODEL } from './fake-peer.js';
import { replyPacket, type NestPacket } from './nest-wire.js';
import { GatewayFixture } from './fixture.js';

const API: readonly [method: string, path: string][] = [
  ['POST', '/v1/chat/completions'],
  ['POST', '/V1/Chat/Completions/'],
  ['POST', '/v1/completions'],
  ['POST', '/generate'],
  ['PUT', '/generate'],
  ['GET', '/v1/models'],
  ['GET', `/v1/models/${MODEL}`],
  ['HEAD', '/v1/models'],
  ['GET', '/v1'],
  ['GET', '/'],
  ['GET', '/elsewhere'],
  ['GET', '/health%2F..%2Fv1%2Fmodels'],
  ['GET', '/metrics/x'],
];
const OPEN = ['/health', '/health/live', '/health/ready', '/metrics'];
const LEVEL = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"level":2}' };

describe('a gateway with API keys and an admin token', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-keys-'));
  let fixture: GatewayFixture;
  const send = (method: string, path: string, authorization?: string, body?: string): Promise<Response> =>
    fetch(fixture.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      ...(body === undefined ? {} : { body }),
    });

  beforeAll(async () => {
    const keys = join(folder, 'keys');
    writeFileSync(keys, 'key-1\nkey-2\n');
    fixture = await GatewayFixture.start({ SLICEWAY_API_KEYS_FILE: keys, SLICEWAY_ADMIN_TOKEN: 'admin-1' });
    await fixture.addWorkers();
  });
  afterAll(async () => {
    await fixture?.stop();
    rmSync(folder, { recursive: true });
  });

  it.each(API)('%s %s asks for a key, in the way of OpenAI', async (method, path) => {
    for (const authorization of [undefined, 'Bearer key-3', 'Bearer admin-1', 'Basic key-1', 'key-1']) {
      const answer = await send(method, path, authorization);
      expect([authorization, answer.status, answer.headers.get('www-authenticate')]).toEqual([
        authorization,
        401,
        'Bearer',
      ]);
      if (method === 'HEAD') continue;
      const error = {
        message: expect.any(String),
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      };
      expect(await answer.json()).toEqual({ error });
    }
    expect((await send(method, path, 'Bearer key-2')).status).not.toBe(401);
  });

  it.each(OPEN)('GET %s asks for none', async (path) => {
    expect((await send('GET', path)).status).toBe(200);
  });

  it('reads no body of who has no key', async () => {
    const large = JSON.stringify({ model: 'x'.repeat(5 * 2 ** 20) });
    expect((await send('POST', '/v1/completions', 'Bearer key-1', large)).status).toBe(413);
    expect((await send('POST', '/v1/completions', 'Bearer key-1', '{')).status).toBe(400);
    expect((await send('POST', '/v1/completions', undefined, '{')).status).toBe(401);
  });

  it("serves OpenAI's client with any of the keys, and tells it when it has none of them", async () => {
    const chat = (apiKey: string) =>
      new OpenAI({ apiKey, baseURL: `${fixture.url}/v1`, maxRetries: 0 }).chat.completions.create({
        model: MODEL,
        messages: [{ role: 'user', content: 'Hi' }],
        max_tokens: 2,
      });
    for (const key of ['key-1', 'key-2']) expect((await chat(key)).usage?.completion_tokens).toBe(2);
    await expect(chat('key-3')).rejects.toBeInstanceOf(AuthenticationError);
  });

  it('lets operators in by their own token, and by no key', async () => {
    const set = (authorization: string): Promise<Response> =>
      fetch(`${fixture.url}/admin/trace-level`, { ...LEVEL, headers: { ...LEVEL.headers, authorization } });
    const refused = await set('Bearer key-1');
    expect([refused.status, await refused.json()]).toEqual([
      401,
      { error: expect.objectContaining({ code: 'invalid_admin_token' }) },
    ]);
    expect((await set('Bearer admin-1')).status).toBe(200);
    expect((await send('GET', '/set_trace_level?level=2')).status).toBe(401);
    expect((await send('GET', '/Set_Trace_Level/?level=2', 'Bearer admin-1')).status).toBe(200);
  });

  it('logs no secret', () => {
    expect(fixture.gateway.tail).not.toMatch(/key-\d|admin-\d/);
  });
});

describe('a gateway that all the world may reach', () => {
  let fixture: GatewayFixture;
  const preflight = (origin: string, path: string): Promise<Response> =>
    fetch(fixture.url + path, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });

  beforeAll(async () => {
    const env = { HOST: '0.0.0.0', SLICEWAY_CORS_ORIGINS: 'https://a.example, https://b.example' };
    fixture = await GatewayFixture.start(env);
  });
  afterAll(() => fixture?.stop());

  it('has nothing for operators until it knows their token, and says so', async () => {
    for (const answer of [
      await fetch(`${fixture.url}/admin/trace-level`, LEVEL),
      await fetch(`${fixture.url}/set_trace_level?level=3`),
    ]) {
      expect(answer.status).toBe(403);
      const message = expect.stringContaining('SLICEWAY_ADMIN_TOKEN');
      expect(await answer.json()).toMatchObject({ error: { message, code: 'admin_token_not_set' } });
    }
  });

  it('says that it serves everybody, where it has no keys', () => {
    expect(fixture.gateway.tail).toContain('everybody who reaches it is served: set SLICEWAY_API_KEYS');
  });

  it('lets pages of the named origins in, to the API only', async () => {
    for (const origin of ['https://a.example', 'https://b.example']) {
      const { status, headers } = await preflight(origin, '/v1/chat/completions');
      expect([status, headers.get('access-control-allow-origin')]).toEqual([204, origin]);
      const answer = await fetch(`${fixture.url}/v1/models`, { headers: { origin } });
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(answer.headers.get('vary')).toMatch(/origin/i);
      expect(answer.headers.get('access-control-expose-headers')).toContain('traceparent');
    }
    for (const [origin, path] of [
      ['https://c.example', '/v1/chat/completions'],
      ['https://a.example.org', '/v1/models'],
      ['https://a.example', '/admin/trace-level'],
      ['https://a.example', '/metrics'],
    ] as const) {
      expect((await preflight(origin, path)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('a gateway as it comes', () => {
  let fixture: GatewayFixture;
  beforeAll(async () => {
    fixture = await GatewayFixture.start();
    await fixture.addWorkers();
  });
  afterAll(() => fixture?.stop());

  it('says on every answer that it is to be kept, framed and guessed at by nobody', async () => {
    const stream = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], stream: true });
    const answers = [
      await fixture.post(stream),
      await fixture.post('{'),
      await fetch(`${fixture.url}/v1/models`),
      await fetch(`${fixture.url}/elsewhere`),
      await fetch(`${fixture.url}/metrics`),
      await fetch(`${fixture.url}/v1/models`, { method: 'OPTIONS' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200, 404, 200, 204]);
    for (const { headers } of answers) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers.get('x-powered-by')).toBeNull();
    }
    await Promise.all(answers.map((answer) => answer.text()));
  });

  it('lets no page of another origin in', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await fetch(`${fixture.url}/v1/models`, { method, headers });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  it('serves nobody but its own host, and says nothing of keys', () => {
    expect(fixture.gateway.tail).not.toContain('SLICEWAY_API_KEYS');
  });

  it('lets operators of its own host in', async () => {
    expect((await fetch(`${fixture.url}/admin/trace-level`, LEVEL)).status).toBe(200);
  });

  it('waits for each worker that it knows, whoever else answers first', async () => {
    const { connection } = fixture;
    const known = { tokenizer: '00000001', prefill: '00000002', decode: '00000003' };
    const subscription = connection.subscribe(subjects.traceLevel, {
      callback: (_, message) => {
        const answer = (role: string, instance: string): void =>
          void message.respond(replyPacket(message.json<NestPacket>(), { role, instance, level: 2 }));
        for (const stranger of ['0000000a', '0000000b', '0000000c', '0000000d']) answer('decode', stranger);
        setTimeout(() => Object.entries(known).forEach(([role, instance]) => answer(role, instance)), 100);
      },
    });
    await connection.flush();
    const answer = await fetch(`${fixture.url}/admin/trace-level`, LEVEL);
    subscription.unsubscribe();
    const { acknowledged, missing } = (await answer.json()) as { acknowledged: object[]; missing: object[] };
    expect(missing).toEqual([]);
    expect(acknowledged).toHaveLength(4 + 3 + 1);
  });
});
