import { tokenOf, type FakeDecode, type FakePrefill } from './fake-engines.js';
import { MODEL } from './fake-peer.js';
import type { FakeTokenizer } from './fake-tokenizer.js';
import { eventually, GatewayFixture } from './fixture.js';

const texts = (choice: number, count: number) =>
  Array.from({ length: count }, (_, index) => `${tokenOf(choice, index)} `).join('');
const ids = (choice: number, count: number) => Array.from({ length: count }, (_, index) => tokenOf(choice, index));

describe('the other APIs', () => {
  let fixture: GatewayFixture;
  let workers: { tokenizer: FakeTokenizer; prefill: FakePrefill; decode: FakeDecode };

  beforeAll(async () => {
    fixture = await GatewayFixture.start({ SLICEWAY_STALL_TIMEOUT_MS: '1000' });
    workers = await fixture.addWorkers();
  });
  afterAll(() => fixture.stop());
  afterEach(async () => {
    workers.decode.holdAt = Infinity;
    await eventually(async () => (await fixture.metric(/^sliceway_requests_active/)) === 0, 'all requests have ended');
  });

  const send = (path: string, body: object | null, method = 'POST', signal: AbortSignal | null = null) =>
    fetch(fixture.url + path, {
      method,
      signal,
      headers: { 'content-type': 'application/json' },
      body: body === null ? null : JSON.stringify(body),
    });
  const completions = { model: MODEL, prompt: 'Hi', max_tokens: 3 };
  const generate = { text: 'Hi', sampling_params: { max_new_tokens: 3 } };
  const eventsOf = async (response: Response) =>
    (await response.text()).split('\n\n').map((event) => event.replace(/^data: /, ''));

  describe('completions', () => {
    const create = async (fields: object = {}) =>
      (await (await send('/v1/completions', { ...completions, ...fields })).json()) as Record<string, never>;

    it('in one piece', async () => {
      const response = await send('/v1/completions', completions);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        id: `cmpl-${response.headers.get('x-request-id')}`,
        object: 'text_completion',
        created: expect.any(Number),
        model: MODEL,
        system_fingerprint: 'fp_f00dfeed00',
        choices: [{ index: 0, text: texts(0, 3), logprobs: null, finish_reason: 'length' }],
        usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
      });
    });

    it('16 tokens where nothing is said', async () => {
      expect(await create({ max_tokens: null })).toMatchObject({ usage: { completion_tokens: 16 } });
    });

    it('of several prompts: the choices of one after those of the other, echoed, counted together', async () => {
      const { choices, usage } = await create({ prompt: ['one', 'three'], n: 2, echo: true });
      expect(choices).toMatchObject([
        { index: 0, text: `one${texts(0, 3)}` },
        { index: 1, text: `one${texts(1, 3)}` },
        { index: 2, text: `three${texts(0, 3)}` },
        { index: 3, text: `three${texts(1, 3)}` },
      ]);
      expect(usage).toEqual({ prompt_tokens: 8, completion_tokens: 12, total_tokens: 20 });
    });

    it('of token ids: the tokenizer gets them as they are', async () => {
      expect(await create({ prompt: [[7, 8, 9], [1]] })).toMatchObject({ usage: { prompt_tokens: 4 } });
      expect(workers.tokenizer.requests.slice(-2).map(({ request }) => request.prompt)).toEqual([
        { ids: [7, 8, 9] },
        { ids: [1] },
      ]);
    });

    it('streamed: one [DONE] after the last prompt, with the usage of all', async () => {
      const fields = { prompt: ['one', 'three'], echo: true, stream: true, stream_options: { include_usage: true } };
      const events = await eventsOf(await send('/v1/completions', { ...completions, ...fields }));
      expect(events.slice(-2)).toEqual(['[DONE]', '']);
      const chunks = events.slice(0, -2).map((event) => JSON.parse(event));
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 8, completion_tokens: 6 } });
      const answers = ['', ''];
      const ends: string[] = [];
      for (const chunk of chunks.slice(0, -1)) {
        expect(chunk).toMatchObject({ object: 'text_completion', usage: null });
        const [{ index, text, finish_reason }] = chunk.choices;
        answers[index] += text;
        if (finish_reason !== null) ends[index] = finish_reason;
      }
      expect(answers).toEqual([`one${texts(0, 3)}`, `three${texts(0, 3)}`]);
      expect(ends).toEqual(['length', 'length']);
    });

    it('of token ids, echoed: their text comes from the tokenizer, before each choice', async () => {
      const prompt = [[7, 8], [1]];
      const { choices } = await create({ prompt, n: 2, echo: true });
      expect((choices as { text: string }[]).map(({ text }) => text)).toEqual([
        `<7><8>${texts(0, 3)}`,
        `<7><8>${texts(1, 3)}`,
        `<1>${texts(0, 3)}`,
        `<1>${texts(1, 3)}`,
      ]);
      expect(workers.tokenizer.requests.slice(-2).map(({ request }) => request.withText)).toEqual([true, true]);
      const streamed = { ...completions, prompt, n: 2, echo: true, stream: true };
      const answers = ['', '', '', ''];
      for (const event of (await eventsOf(await send('/v1/completions', streamed))).slice(0, -2)) {
        const { index, text } = (JSON.parse(event) as { choices: { index: number; text: string }[] }).choices[0]!;
        answers[index] += text;
      }
      expect(answers).toEqual((choices as { text: string }[]).map(({ text }) => text));
    });

    it('asks for no text that is not echoed, or that it has', async () => {
      await create({ prompt: [7] });
      await create({ echo: true });
      expect(workers.tokenizer.requests.slice(-2).map(({ request }) => request.withText)).toEqual([false, false]);
    });

    it('of no tokens, echoed: the prompt alone', async () => {
      const nothing = { prompt: [7, 8], max_tokens: 0, echo: true };
      expect(await create(nothing)).toMatchObject({ choices: [{ text: '<7><8>', finish_reason: 'length' }] });
      const events = await eventsOf(await send('/v1/completions', { ...completions, ...nothing, stream: true }));
      const chunks = events.slice(0, -2).map((event) => JSON.parse(event));
      expect(chunks.map(({ choices: [{ text, finish_reason }] }) => [text, finish_reason])).toEqual([
        ['<7><8>', null],
        ['', 'length'],
      ]);
    });

    it('counts each prompt as a request: all that were accepted have ended', async () => {
      const accepted = await fixture.metric(/^sliceway_accepted_requests_total/);
      await create({ prompt: ['a', 'b', 'c'] });
      expect(await fixture.metric(/^sliceway_accepted_requests_total/)).toBe(accepted + 3);
      expect(await fixture.metric(/^sliceway_requests_total/)).toBe(accepted + 3);
    });

    it('one of several prompts that fails ends all, and each is aborted', async () => {
      workers.decode.holdAt = 2;
      const seen = workers.decode.legs.length;
      const answer = send('/v1/completions', { ...completions, prompt: ['a', 'b', 'c'], max_tokens: 50 });
      await eventually(() => workers.decode.running.size === 3, 'all prompts run');
      const legs = workers.decode.legs.slice(seen).map(({ leg }) => leg);
      workers.decode.fail(legs[1]!, 'engine_error');
      expect((await answer).status).toBe(502);
      for (const { rid } of legs) {
        await eventually(() => workers.decode.abortsOf(rid).length === 1, 'decode hears of each');
      }
      expect(workers.decode.running.size).toBe(0);
    });

    it('left by its client: every prompt is aborted', async () => {
      workers.decode.holdAt = 2;
      const client = new AbortController();
      const answer = send(
        '/v1/completions',
        { ...completions, prompt: ['a', 'b'], max_tokens: 50 },
        'POST',
        client.signal,
      );
      await eventually(() => workers.decode.running.size === 2, 'both prompts run');
      client.abort();
      await answer.catch(() => {});
      await eventually(() => workers.decode.running.size === 0, 'decode has stopped');
    });
  });

  describe("SGLang's generate", () => {
    it('in one piece', async () => {
      const response = await send('/generate', generate);
      expect(await response.json()).toEqual({
        text: texts(0, 3),
        output_ids: ids(0, 3),
        meta_info: {
          id: response.headers.get('x-request-id'),
          finish_reason: { type: 'length', length: 3 },
          prompt_tokens: 2,
          completion_tokens: 3,
          cached_tokens: 0,
        },
      });
    });

    it('several prompts, by the names of the client', async () => {
      const body = { ...generate, text: ['a', 'bc'], rid: 'mine', return_prompt_token_ids: true };
      expect(await (await send('/generate', body, 'PUT')).json()).toMatchObject([
        { text: texts(0, 3), prompt_token_ids: [97], meta_info: { id: 'mine_0', prompt_tokens: 1 } },
        { text: texts(0, 3), prompt_token_ids: [98, 99], meta_info: { id: 'mine_1', prompt_tokens: 2 } },
      ]);
    });

    it('stopped by a string', async () => {
      const sampling_params = { max_new_tokens: 9, stop: '102' };
      expect(await (await send('/generate', { ...generate, sampling_params })).json()).toMatchObject({
        text: texts(0, 2),
        meta_info: { finish_reason: { type: 'stop', matched: '102' } },
      });
    });

    it('streamed: all the text so far in each event', async () => {
      const events = await eventsOf(await send('/generate', { ...generate, stream: true }));
      expect(events.slice(-2)).toEqual(['[DONE]', '']);
      const results = events.slice(0, -2).map((event) => JSON.parse(event));
      expect(results.map(({ text }) => text)).toEqual([texts(0, 1), texts(0, 2), texts(0, 3), texts(0, 3)]);
      expect(results.map(({ meta_info }) => meta_info.finish_reason?.type ?? null)).toEqual([
        null,
        null,
        null,
        'length',
      ]);
      expect(results.at(-1)).toMatchObject({ output_ids: ids(0, 3), meta_info: { completion_tokens: 3 } });
    });

    it('refused in the same shape', async () => {
      const response = await send('/generate', { ...generate, image_data: 'x.png' });
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { error: { param: 'image_data', code: 'unsupported_parameter', type: 'invalid_request_error' } },
      ]);
    });
  });

  describe('methods', () => {
    it.each([
      ['GET', '/v1/chat/completions', 'POST, OPTIONS'],
      ['DELETE', '/v1/completions', 'POST, OPTIONS'],
      ['GET', '/generate', 'POST, PUT, OPTIONS'],
      ['POST', '/v1/models', 'GET, HEAD, OPTIONS'],
      ['DELETE', `/v1/models/${MODEL}`, 'GET, HEAD, OPTIONS'],
      ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ])('%s on %s is refused, with those that are taken', async (method, path, allow) => {
      const response = await send(path, null, method);
      expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
      expect(await response.json()).toMatchObject({ error: { code: 'method_not_allowed', param: null } });
    });

    it('OPTIONS names them, HEAD answers without a body', async () => {
      const options = await send('/v1/chat/completions', null, 'OPTIONS');
      expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, OPTIONS']);
      const head = await send('/v1/models', null, 'HEAD');
      expect([head.status, await head.text()]).toEqual([200, '']);
      expect(head.headers.get('content-type')).toContain('application/json');
    });

    it.each([
      ['GET', '/', 404],
      ['POST', '/v1/embeddings', 404],
      ['GET', '/v1/models/no/such', 404],
      ['GET', '/v1/models/%E0%A4%A', 400],
    ])('%s %s is answered with %d in the same shape', async (method, path, status) => {
      const response = await send(path, null, method);
      expect(response.status).toBe(status);
      const { error } = (await response.json()) as { error: object };
      expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
    });

    it('a body that is not JSON says how to send one', async () => {
      const response = await fetch(`${fixture.url}/v1/completions`, { method: 'POST', body: 'model=m' });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("'content-type: application/json'");
    });
  });
});
