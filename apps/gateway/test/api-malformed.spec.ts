import { mulberry32 } from '@sliceway/testing';
import { MODEL } from './fake-peer.js';
import { eventually, GatewayFixture } from './fixture.js';
import { malformedBodies, type MalformedBody } from './malformed-bodies.js';

const SEED = 6;
const BODIES = 500;
const AT_A_TIME = 8;

const sampling = { temperature: 0.5, top_p: 0.9, top_k: 5, min_p: 0.1, n: 2, stop: ['a', 'b'], stop_token_ids: [1] };
const openAi = { model: MODEL, ...sampling, logit_bias: { 5: 1 }, seed: 1, max_tokens: 4, min_tokens: 1, user: 'u' };
/** Every kind of field; the body is accepted as it is. */
const VALID = {
  '/v1/chat/completions': {
    ...openAi,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
    ],
    logprobs: true,
    top_logprobs: 2,
    response_format: { type: 'text' },
    metadata: { a: 'b' },
    stream: true,
    stream_options: { include_usage: true },
  },
  '/v1/completions': { ...openAi, prompt: ['Hi', 'you'], logprobs: 1, echo: false, best_of: 2, stream: false },
  '/generate': {
    text: ['Hi', 'you'],
    sampling_params: { ...sampling, max_new_tokens: 4, min_new_tokens: 1, sampling_seed: 1, ignore_eos: true },
    rid: ['a', 'b'],
    return_logprob: true,
    top_logprobs_num: 2,
    stream: true,
  },
};

describe(`${BODIES} malformed bodies`, () => {
  let fixture: GatewayFixture;

  beforeAll(async () => {
    fixture = await GatewayFixture.start({ SLICEWAY_REQUEST_TIMEOUT_MS: '5000' });
    await fixture.addWorkers();
  });
  afterAll(() => fixture.stop());

  const send = (path: string, body: Uint8Array<ArrayBuffer> | string) =>
    fetch(fixture.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(10_000),
    });

  async function expectSane({ path, how, body }: MalformedBody): Promise<number> {
    const response = await send(path, body);
    const text = await response.text();
    const what = `${how} to ${path}: ${Buffer.from(body).toString().slice(0, 300)}: ${response.status} ${text}`;
    if (response.status === 200) {
      if (text.includes('event: error')) throw new Error(what);
      return 200;
    }
    const { error } = JSON.parse(text) as { error: Record<string, unknown> };
    if (response.status < 400 || response.status >= 500) throw new Error(what);
    expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
    expect(error['type']).toBe('invalid_request_error');
    expect(error['message']).not.toBe('');
    return response.status;
  }

  it('are each answered with 4xx or 200, and nothing is left', async () => {
    for (const [path, body] of Object.entries(VALID)) {
      expect((await send(path, JSON.stringify(body))).status).toBe(200);
    }
    const bodies = [...malformedBodies(VALID, BODIES, mulberry32(SEED))];
    const statuses: Record<number, number> = {};
    const next = bodies.values();
    await Promise.all(
      Array.from({ length: AT_A_TIME }, async () => {
        for (const body of next) {
          const status = await expectSane(body);
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
      }),
    );
    expect(Object.values(statuses).reduce((sum, count) => sum + count)).toBe(BODIES);
    expect(statuses[400]).toBeGreaterThan(BODIES / 2);
    expect(fixture.gateway.isRunning).toBe(true);
    await eventually(async () => (await fixture.metric(/^sliceway_requests_active/)) === 0, 'all requests have ended');
    for (const [path, body] of Object.entries(VALID)) {
      expect((await send(path, JSON.stringify(body))).status).toBe(200);
    }
  });
});
