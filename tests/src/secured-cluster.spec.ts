import type { NatsConnection } from '@nats-io/transport-node';
import { ROLES } from '@sliceway/local';
import OpenAI from 'openai';
import { ADMIN_TOKEN, API_KEY, SecuredCluster } from './secured-cluster.fixture.js';
import { until } from './until.fixture.js';

const MODEL = 'tiny-49';
const MIB = 2 ** 20;
const DISCOVERY_MS = 1000;
const ENDED_MS = 5000;

describe.each([false, true])('the whole cluster with users and permissions, TLS: %s', (tls) => {
  let secured: SecuredCluster;
  let operator: NatsConnection;
  let client: OpenAI;

  beforeAll(async () => {
    secured = await SecuredCluster.start({ tls });
    operator = await secured.operator();
    client = new OpenAI({ apiKey: API_KEY, baseURL: `${secured.cluster.gatewayUrl}/v1`, maxRetries: 0 });
  });
  afterAll(async () => {
    await operator?.close();
    await secured?.stop();
  });

  const chat = { model: MODEL, messages: [{ role: 'user' as const, content: 'hello' }], max_tokens: 20 };

  it('serves a request, streamed and whole', async () => {
    const whole = await client.chat.completions.create({ ...chat, temperature: 0 });
    let streamed = '';
    for await (const { choices } of await client.chat.completions.create({ ...chat, temperature: 0, stream: true })) {
      streamed += choices[0]?.delta.content ?? '';
    }
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0);
    expect(streamed).toBe(whole.choices[0]!.message.content);
  });

  it('serves nobody without a key', async () => {
    const response = await fetch(`${secured.cluster.gatewayUrl}/v1/models`);
    expect(response.status).toBe(401);
  });

  it('gives up a request that its client leaves', async () => {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      // So long that it is not over before the client has gone.
      { ...chat, n: 8, max_tokens: 440, stream: true },
      { signal: controller.signal },
    );
    for await (const _ of stream) controller.abort();
    await until('it has ended', ENDED_MS, async () => {
      const metrics = await (await fetch(`${secured.cluster.gatewayUrl}/metrics`)).text();
      return /^sliceway_requests_total\{end="aborted".*\} [1-9]/m.test(metrics);
    });
  });

  it('takes the largest prompt that HTTP takes through the broker, to say that it is too long', async () => {
    const messages = [{ role: 'user' as const, content: 'é'.repeat(1.9 * MIB) }];
    await expect(client.chat.completions.create({ ...chat, messages })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
  });

  it('changes its trace level everywhere', async () => {
    const response = await fetch(`${secured.cluster.gatewayUrl}/admin/trace-level`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
      body: '{"level":1}',
    });
    const { acknowledged, missing } = (await response.json()) as { acknowledged: object[]; missing: object[] };
    expect([acknowledged.length, missing]).toEqual([ROLES.length, []]);
  });

  it('is found by an operator', async () => {
    const found: string[] = [];
    const replies = await operator.requestMany('$SRV.PING', '', { maxWait: DISCOVERY_MS, maxMessages: ROLES.length });
    for await (const reply of replies) found.push(reply.json<{ name: string }>().name);
    expect(found.sort()).toEqual(ROLES.map((role) => `sliceway-${role}`).sort());
  });

  it('was refused nothing, and no log has a password, a key or a token', () => {
    expect(secured.logged(/violation/i)).toEqual([]);
    for (const role of ROLES) expect(secured.logged(new RegExp(secured.passwordOf(role)))).toEqual([]);
    expect(secured.logged(new RegExp(`${API_KEY}|${ADMIN_TOKEN}`))).toEqual([]);
    expect(secured.logged(/"msg":"ready"/)).toHaveLength(ROLES.length);
  });
});
