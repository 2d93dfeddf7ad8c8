import { NotFoundError } from 'openai';
import type { FakeDecode, FakePrefill } from './fake-engines.js';
import { tokenOf } from './fake-engines.js';
import { CONTEXT_LENGTH, MODEL } from './fake-peer.js';
import type { FakeTokenizer } from './fake-tokenizer.js';
import { eventually, GatewayFixture } from './fixture.js';

const user = (content: string) => [{ role: 'user' as const, content }];
const texts = (choice: number, count: number) =>
  Array.from({ length: count }, (_, index) => `${tokenOf(choice, index)} `).join('');

describe('a chat through the official client', () => {
  let fixture: GatewayFixture;
  let workers: { tokenizer: FakeTokenizer; prefill: FakePrefill; decode: FakeDecode };

  beforeAll(async () => {
    fixture = await GatewayFixture.start();
    workers = await fixture.addWorkers();
  });
  afterAll(() => fixture.stop());
  afterEach(async () => {
    workers.decode.holdAt = Infinity;
    workers.tokenizer.answers = true;
    expect(await fixture.metric(/^sliceway_requests_active/)).toBe(0);
  });

  it('in one piece', async () => {
    const { data, response } = await fixture.client.chat.completions
      .create({ model: MODEL, messages: user('Hi'), max_tokens: 5 })
      .withResponse();
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(data.id).toBe(`chatcmpl-${response.headers.get('x-request-id')}`);
    expect(data.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: texts(0, 5), refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ]);
    expect(data.usage).toEqual({ prompt_tokens: 2, completion_tokens: 5, total_tokens: 7 });
  });

  it('streamed, with its usage', async () => {
    const stream = await fixture.client.chat.completions.create({
      model: MODEL,
      messages: user('Hi'),
      max_completion_tokens: 4,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe(texts(0, 4));
    expect(choices.at(-1)?.finish_reason).toBe('length');
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 },
    });
  });

  it('of three choices: one leg each, indexed answers', async () => {
    workers.prefill.legs.length = 0;
    const { choices, usage } = await fixture.client.chat.completions.create({
      model: MODEL,
      messages: user('Hi'),
      max_tokens: 3,
      n: 3,
    });
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual(
      [0, 1, 2].map((index) => [index, texts(index, 3)]),
    );
    expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 9 });
    expect(workers.prefill.legs).toHaveLength(1);
  });

  it('cut by a stop string, which ends decode', async () => {
    const { choices } = await fixture.client.chat.completions.create({
      model: MODEL,
      messages: user('Hi'),
      stop: '103',
    });
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: texts(0, 3) } });
    await eventually(() => workers.decode.running.size === 0, 'decode has stopped');
    const { rid } = workers.decode.legs.at(-1)!.leg;
    expect(workers.decode.abortsOf(rid)).toMatchObject([{ choice: null, attempt: 0, reason: 'stop_matched' }]);
    expect(workers.prefill.abortsOf(rid)).toEqual([]);
  });

  it('32 at a time, each with its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, i) =>
        fixture.client.chat.completions.create({ model: MODEL, messages: user('x'.repeat(i + 1)), max_tokens: 1 + i }),
      ),
    );
    for (const [i, { usage, choices }] of answers.entries()) {
      expect(usage).toMatchObject({ prompt_tokens: i + 1, completion_tokens: 1 + i });
      expect(choices[0]?.message.content).toBe(texts(0, 1 + i));
    }
  });

  it.each([true, false])('left by its client (streamed: %s): every worker hears of it at once', async (stream) => {
    workers.decode.holdAt = 3;
    const before = await fixture.ends('aborted');
    const client = new AbortController();
    const body = JSON.stringify({ model: MODEL, messages: user('Hi'), stream });
    const answer = fetch(`${fixture.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: client.signal,
    }).catch(() => null);
    await eventually(() => workers.decode.running.size === 1, 'decode runs');
    if (stream) await (await answer)?.body?.getReader().read();
    client.abort();
    const { rid } = workers.decode.legs.at(-1)!.leg;
    for (const worker of Object.values(workers)) {
      await eventually(() => worker.abortsOf(rid).length === 1, `${worker.role} hears of it`, 1000);
      expect(worker.abortsOf(rid)[0]).toMatchObject({ choice: null, reason: 'client_disconnected' });
    }
    await answer;
    expect(await fixture.ends('aborted')).toBe(before + 1);
  });

  it('left before the prompt is encoded: no leg is sent', async () => {
    workers.tokenizer.answers = false;
    const legs = workers.prefill.legs.length;
    const client = new AbortController();
    const seen = workers.tokenizer.requests.length;
    const answer = fixture.client.chat.completions
      .create({ model: MODEL, messages: user('Hi') }, { signal: client.signal })
      .catch((error: unknown) => error);
    await eventually(() => workers.tokenizer.requests.length > seen, 'the tokenizer is asked');
    client.abort();
    await answer;
    const { rid } = workers.tokenizer.requests.at(-1)!.request;
    await eventually(() => workers.tokenizer.abortsOf(rid).length === 1, 'the tokenizer hears of it');
    expect(workers.prefill.legs).toHaveLength(legs);
  });

  it('carries the context to the tokenizer and both legs', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fixture.client.chat.completions.create(
      { model: MODEL, messages: user('Hi'), max_tokens: 2 },
      { headers: { traceparent } },
    );
    const traceId = /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/;
    expect(workers.tokenizer.requests.at(-1)?.traceparent).toMatch(traceId);
    expect(workers.prefill.legs.at(-1)?.traceparent).toMatch(traceId);
    expect(workers.decode.legs.at(-1)?.traceparent).toMatch(traceId);
  });

  it('gives a seed, a deadline and the rest of the context to both legs alike', async () => {
    workers.decode.holdAt = 1;
    const client = new AbortController();
    const seen = workers.decode.legs.length;
    const answer = fixture.client.chat.completions
      .create({ model: MODEL, messages: user('Hi') }, { signal: client.signal })
      .catch((error: unknown) => error);
    await eventually(() => workers.decode.legs.length > seen, 'decode has its leg');
    const { leg } = workers.decode.legs.at(-1)!;
    expect(leg.sampling.maxNewTokens).toBe(CONTEXT_LENGTH - 2);
    expect(leg.deadlineMs).toBeGreaterThan(Date.now());
    const prefillLeg = workers.prefill.legs.at(-1)!.leg;
    expect(prefillLeg).toMatchObject({
      rid: leg.rid,
      room: leg.room,
      sampling: leg.sampling,
      tokenizer: leg.tokenizer,
    });
    client.abort();
    await answer;
    await eventually(() => workers.decode.running.size === 0, 'decode has stopped');
  });

  it('models', async () => {
    const { data } = await fixture.client.models.list();
    expect(data).toMatchObject([{ id: MODEL, object: 'model', owned_by: 'sliceway', max_model_len: CONTEXT_LENGTH }]);
    expect(await fixture.client.models.retrieve(MODEL)).toMatchObject({ id: MODEL });
    await expect(fixture.client.models.retrieve('other')).rejects.toThrow(NotFoundError);
  });
});
