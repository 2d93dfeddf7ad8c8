import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyModel } from '@sliceway/testing';
import OpenAI, {
  APIConnectionError,
  APIError,
  APIUserAbortError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import { ClusterFixture } from './cluster.fixture.js';

const MAX_CONCURRENT = 4;
const user = (content: string) => [{ role: 'user' as const, content }];
/** What the client's types do not know: SGLang's parameters. */
const extras = <T extends object>(fields: T) => fields as object;

describe('the official client on a real cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-openai-'));
  let fixture: ClusterFixture;
  let client: OpenAI;
  let model: string;
  let url: string;

  beforeAll(async () => {
    fixture = await ClusterFixture.start({
      modelPath: tinyModel(folder),
      kvMemoryMb: 4,
      env: { SLICEWAY_MAX_CONCURRENT_REQUESTS: String(MAX_CONCURRENT) },
    });
    model = fixture.model;
    url = fixture.cluster.running('gateway')[0]!.url;
    client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
  });
  afterAll(async () => {
    await fixture?.stop();
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => expect(await fixture.heldAfter(2000)).toEqual([]));

  /** Greedy, and never ended by the model. */
  const greedy = (content = 'hello the hello', max_tokens = 20) => ({
    model,
    messages: user(content),
    max_tokens,
    temperature: 0,
    ...extras({ ignore_eos: true }),
  });
  const expected = async (content = 'hello the hello', max_tokens = 20) =>
    (await fixture.expected({ content, max_tokens })).texts[0];
  const completion = (prompt: OpenAI.CompletionCreateParams['prompt'], max_tokens = 12) => ({
    model,
    prompt,
    max_tokens,
    temperature: 0,
    ...extras({ ignore_eos: true }),
  });
  const textOf = (answer: OpenAI.ChatCompletion) => answer.choices[0]!.message.content;
  const generate = async (body: object) =>
    (await (
      await fetch(`${url}/generate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json()) as Record<string, never>;

  describe('chat', () => {
    it('whole', async () => {
      const { data, response } = await client.chat.completions.create(greedy()).withResponse();
      expect(data).toMatchObject({
        id: `chatcmpl-${response.headers.get('x-request-id')}`,
        object: 'chat.completion',
        model,
        choices: [{ index: 0, finish_reason: 'length', logprobs: null, message: { content: await expected() } }],
        usage: { completion_tokens: 20 },
      });
    });

    it('streamed, with usage', async () => {
      const stream = await client.chat.completions.create({
        ...greedy(),
        stream: true,
        stream_options: { include_usage: true },
      });
      let content = '';
      let usage: OpenAI.CompletionUsage | null | undefined = null;
      for await (const chunk of stream) {
        content += chunk.choices[0]?.delta.content ?? '';
        usage = chunk.usage;
      }
      expect(content).toBe(await expected());
      expect(usage?.completion_tokens).toBe(20);
    });

    it("through the client's own stream helper", async () => {
      const stream = client.chat.completions.stream({ ...greedy(), logprobs: true, n: 1 });
      let content = '';
      stream.on('content', (delta) => (content += delta));
      const final = await stream.finalChatCompletion();
      expect(content).toBe(await expected());
      expect(textOf(final)).toBe(content);
      expect(final.choices[0]?.finish_reason).toBe('length');
      expect(final.choices[0]?.logprobs?.content).toHaveLength(20);
    });

    it('several choices, the same for the same seed', async () => {
      const fields = { content: 'pick one', max_tokens: 15, n: 3, temperature: 1, seed: 5 };
      const { content, ...rest } = fields;
      const ask = () =>
        client.chat.completions.create({ model, messages: user(content), ...rest, ...extras({ ignore_eos: true }) });
      const { choices } = await ask();
      const texts = choices.map(({ message }) => message.content);
      expect(texts).toEqual((await fixture.expected(fields)).texts);
      expect(new Set(texts).size).toBe(3);
      expect((await ask()).choices).toEqual(choices);
    });

    it('log probabilities, alike whole and streamed', async () => {
      const fields = { ...greedy(), logprobs: true, top_logprobs: 3 };
      const whole = (await client.chat.completions.create(fields)).choices[0]!;
      const content = whole.logprobs!.content!;
      expect(content).toHaveLength(20);
      expect(Buffer.from(content.flatMap(({ bytes }) => bytes!)).toString()).toBe(whole.message.content);
      for (const { logprob, bytes, top_logprobs } of content) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(top_logprobs.map((top) => top.logprob)).toEqual(
          top_logprobs.map((top) => top.logprob).sort((a, b) => b - a),
        );
        // Greedy takes the likeliest.
        expect(top_logprobs).toHaveLength(3);
        expect(top_logprobs[0]).toMatchObject({ logprob, bytes });
      }
      const stream = await client.chat.completions.create({ ...fields, stream: true });
      const streamed: unknown[] = [];
      for await (const { choices } of stream) streamed.push(...(choices[0]?.logprobs?.content ?? []));
      expect(streamed).toEqual(content);
    });

    it('a bias decides, whichever way', async () => {
      const [first] = (await generate({ text: 'z', sampling_params: { max_new_tokens: 1 } }))['output_ids'] as number[];
      const forced = await client.chat.completions.create({
        ...greedy(),
        logit_bias: { [first!]: 100 },
        logprobs: true,
      });
      const tokens = forced.choices[0]!.logprobs!.content!.map(({ bytes }) => String(bytes));
      expect(new Set(tokens).size).toBe(1);
      const banned = await client.chat.completions.create({
        ...greedy(),
        logit_bias: { [first!]: -100 },
        logprobs: true,
      });
      expect(banned.choices[0]!.logprobs!.content!.map(({ bytes }) => String(bytes))).not.toContain(tokens[0]);
    });

    it('penalties change what is said', async () => {
      const plain = await client.chat.completions.create({ ...greedy('aaaa', 40) });
      const changes = [{ frequency_penalty: 2 }, { presence_penalty: 2 }, extras({ repetition_penalty: 2 })];
      for (const change of changes) {
        const penalized = await client.chat.completions.create({ ...greedy('aaaa', 40), ...change });
        expect(textOf(penalized)).not.toBe(textOf(plain));
      }
    });

    it('ends at a stop string, and at the limit under either name', async () => {
      const whole = (await expected())!;
      const stop = [...whole].slice(6, 8).join('');
      const stopped = await client.chat.completions.create({ ...greedy(), stop: [stop] });
      expect(stopped.choices[0]).toMatchObject({
        finish_reason: 'stop',
        message: { content: whole.slice(0, whole.indexOf(stop)) },
      });
      const { max_tokens: _, ...rest } = greedy();
      const limited = await client.chat.completions.create({ ...rest, max_completion_tokens: 4 });
      expect(limited.usage?.completion_tokens).toBe(4);
    });

    it('takes what clients send without asking for anything', async () => {
      const answer = await client.chat.completions.create({
        ...greedy(),
        messages: [
          { role: 'developer', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
        ],
        user: 'u',
        tools: [],
        store: false,
        metadata: { a: 'b' },
        service_tier: 'auto',
        parallel_tool_calls: true,
        response_format: { type: 'text' },
        logit_bias: null,
        stop: null,
      });
      expect(answer.choices).toHaveLength(1);
    });
  });

  describe('completions', () => {
    it('whole, streamed, and of token ids: the same text', async () => {
      const whole = await client.completions.create(completion('once upon'));
      expect(whole).toMatchObject({ object: 'text_completion', usage: { completion_tokens: 12 } });
      const stream = await client.completions.create({ ...completion('once upon'), stream: true });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
      expect(text).toBe(whole.choices[0]!.text);
      const body = { text: 'once upon', return_prompt_token_ids: true, sampling_params: { max_new_tokens: 1 } };
      const promptIds = (await generate(body))['prompt_token_ids'] as number[];
      const ofIds = await client.completions.create(completion(promptIds));
      expect(ofIds.choices[0]!.text).toBe(text);
      expect(ofIds.usage).toEqual(whole.usage);
    });

    it('of several prompts: what each gets alone, echoed', async () => {
      const prompts = ['once upon', 'hello'];
      const { choices, usage } = await client.completions.create({ ...completion(prompts), n: 2, echo: true });
      expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
      for (const [i, prompt] of prompts.entries()) {
        const alone = await client.completions.create(completion(prompt));
        // Greedy: both choices are the same.
        for (const n of [0, 1]) expect(choices[2 * i + n]!.text).toBe(prompt + alone.choices[0]!.text);
      }
      expect(usage?.completion_tokens).toBe(48);
    });

    it('of token ids, echoed: the text that they were made of, and with no tokens asked for nothing else', async () => {
      const text = 'once upon <|im_start|>é';
      const body = { text, return_prompt_token_ids: true, sampling_params: { max_new_tokens: 1 } };
      const promptIds = (await generate(body))['prompt_token_ids'] as number[];
      const alone = (await client.completions.create(completion(promptIds))).choices[0]!.text;
      const echoed = { ...completion([promptIds, promptIds]), echo: true };
      const whole = (await client.completions.create(echoed)).choices.map((choice) => choice.text);
      expect(whole).toEqual([text + alone, text + alone]);
      const streamed = ['', ''];
      for await (const { choices } of await client.completions.create({ ...echoed, stream: true }))
        streamed[choices[0]!.index] += choices[0]!.text;
      expect(streamed).toEqual(whole);
      const { choices } = await client.completions.create({ ...echoed, max_tokens: 0 });
      expect(choices.map((choice) => choice.text)).toEqual([text, text]);
    });

    it('16 tokens by default', async () => {
      const { max_tokens: _, ...rest } = completion('hello');
      expect((await client.completions.create(rest)).usage?.completion_tokens).toBe(16);
    });

    it('log probabilities of the older shape', async () => {
      const { choices } = await client.completions.create({ ...completion('hello'), logprobs: 2 });
      const { tokens, token_logprobs, top_logprobs, text_offset } = choices[0]!.logprobs!;
      expect(tokens).toHaveLength(12);
      for (let i = 0; i < 12; i++) {
        expect(top_logprobs![i]![tokens![i]!]).toBe(token_logprobs![i]);
        expect(text_offset![i]).toBeGreaterThanOrEqual(i === 0 ? 0 : text_offset![i - 1]!);
      }
    });
  });

  it("SGLang's generate says the same", async () => {
    const { choices } = await client.completions.create(completion('once upon'));
    const sampling_params = { max_new_tokens: 12, temperature: 0, ignore_eos: true };
    const body = { text: 'once upon', sampling_params, return_logprob: true, top_logprobs_num: 1 };
    const { text, meta_info } = await generate(body);
    expect(text).toBe(choices[0]!.text);
    const { output_token_logprobs, output_top_logprobs } = meta_info as Record<string, [number, number, null][]>;
    expect(output_token_logprobs).toHaveLength(12);
    expect(output_top_logprobs!.flat()).toEqual(output_token_logprobs);
  });

  it('models', async () => {
    expect((await client.models.list()).data).toMatchObject([{ id: model, object: 'model' }]);
    expect(await client.models.retrieve(model)).toMatchObject({ id: model, owned_by: 'sliceway' });
  });

  describe('errors are of the class for their status', () => {
    const of = (asked: Promise<unknown>) => asked.then(() => null).catch((error: unknown) => error);
    const chat = (fields: object) => of(client.chat.completions.create({ ...greedy(), ...fields }));

    it.each([
      [{ temperature: 3 }, 'temperature', 'invalid_value'],
      [{ max_tokens: 600 }, null, 'context_length_exceeded'],
      [{ messages: [] }, 'messages', 'invalid_value'],
      [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools', 'unsupported_parameter'],
      [{ foo: 1 }, 'foo', 'unknown_parameter'],
    ])('%j: BadRequestError', async (fields, param, code) => {
      const error = await chat(fields);
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject({ status: 400, param, code, type: 'invalid_request_error' });
      expect((error as APIError).requestID).toMatch(/^[0-9a-f]{32}$/);
    });

    it('a token that the model does not have: the error names it', async () => {
      const prompt = await of(client.completions.create(completion([1_000_000])));
      expect(prompt).toBeInstanceOf(BadRequestError);
      expect((prompt as Error).message).toContain('1000000');
      for (const fields of [{ logit_bias: { 1_000_000: 1 } }, { stop_token_ids: [1_000_000] }]) {
        expect(await chat(fields)).toMatchObject({ message: expect.stringContaining('got 1000000') });
      }
    });

    it('an unknown model or URL: NotFoundError', async () => {
      expect(await chat({ model: 'other' })).toBeInstanceOf(NotFoundError);
      expect(await of(client.models.retrieve('other/model'))).toBeInstanceOf(NotFoundError);
      expect(await of(client.embeddings.create({ model, input: 'x' }))).toBeInstanceOf(NotFoundError);
    });

    it('too large a body: 413', async () => {
      const error = await chat({ messages: user('x'.repeat(5 * 2 ** 20)) });
      expect(error).toBeInstanceOf(APIError);
      expect(error).toMatchObject({ status: 413, code: 'request_too_large' });
    });

    it('no place: RateLimitError, with when to come back', async () => {
      // All at once: one after another, the first would have ended.
      const sent = Array.from({ length: 3 * MAX_CONCURRENT }, () =>
        client.chat.completions.create({ ...greedy('a long story', 440), stream: true }),
      );
      const outcomes = await Promise.allSettled(sent);
      const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
      expect(errors).not.toEqual([]);
      for (const error of errors) {
        expect(error).toBeInstanceOf(RateLimitError);
        expect((error as APIError).headers?.get('retry-after')).toMatch(/^\d+$/);
      }
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.controller.abort();
    });
  });

  describe('a client that goes away', () => {
    const long = () => greedy('a long story', 440);

    it('by its signal', async () => {
      const leaving = new AbortController();
      const answer = client.chat.completions.create(long(), { signal: leaving.signal });
      setTimeout(() => leaving.abort(), 50);
      await expect(answer).rejects.toBeInstanceOf(APIUserAbortError);
    });

    it('by its timeout', async () => {
      await expect(client.chat.completions.create(long(), { timeout: 50 })).rejects.toBeInstanceOf(APIConnectionError);
    });

    it('in the middle of a stream', async () => {
      let chunks = 0;
      for await (const _ of await client.chat.completions.create({ ...long(), stream: true }))
        if (++chunks === 3) break;
      expect(chunks).toBe(3);
      const stream = client.chat.completions.stream(long());
      stream.once('content', () => stream.abort());
      await expect(stream.done()).rejects.toBeInstanceOf(APIUserAbortError);
    });
  });

  it('without workers: InternalServerError, 503', async () => {
    const decode = fixture.cluster.running('decode')[0]!;
    decode.kill('SIGTERM');
    await decode.exited;
    const error = await client.chat.completions.create(greedy()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 503 });
  });
});
