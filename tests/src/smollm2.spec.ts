import { connect } from '@nats-io/transport-node';
import OpenAI from 'openai';
import { ClusterUnderTest } from './cluster.fixture.js';

/** What a service may take to answer while its engine computes. */
const RESPONSE_MS = 50;

describe('SmolLM2 through gateway, tokenizer, prefill and decode', () => {
  let test: ClusterUnderTest;

  beforeAll(async () => {
    test = await ClusterUnderTest.start({ modelPath: process.env['SLICEWAY_MODEL']!, kvMemoryMb: 256 });
  });

  afterAll(() => test.stop());

  it.each(['What is the capital of France?', 'Name three colours.', 'Écris un mot en français.'])(
    'answers %j to the openai client',
    async (content) => {
      const client = new OpenAI({ baseURL: `${test.cluster.gatewayUrl}/v1`, apiKey: 'none' });
      const stream = await client.chat.completions.create({
        model: test.model,
        messages: [{ role: 'user', content }],
        temperature: 0,
        max_tokens: 24,
        stream: true,
      });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      expect([text]).toEqual(await test.expected(content, { maxNewTokens: 24, ignoreEos: false }));
      if (content.includes('France')) expect(text).toContain('Paris');
    },
  );

  it('gives 8 streams at once what each gets alone', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => `Count from ${i} to ${i + 5}.`);
    const answers = await Promise.all(contents.map((content) => test.stream(content, { max_tokens: 16 })));
    for (const [i, content] of contents.entries()) {
      expect([i, answers[i]!.texts]).toEqual([i, await test.expected(content, { maxNewTokens: 16 })]);
    }
  });

  it('answers health and pings within 50 ms, and frees an abort at once, while it prefills 1,000 tokens', async () => {
    const nats = await connect({ servers: test.natsUrl });
    const prefill = test.cluster.running('prefill')[0]!;
    const client = new AbortController();
    const answer = test.stream('one two '.repeat(480), { max_tokens: 1 }, client.signal).catch((error: Error) => error);
    while ((await test.metric(prefill, 'sliceway_running')) === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const start = performance.now();
      const [response] = await Promise.all([fetch(`${prefill.url}/health/live`), nats.rtt()]);
      times.push(performance.now() - start);
      expect(response.status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await test.metric(prefill, 'sliceway_running')).toBe(1);
    client.abort();
    const start = performance.now();
    while ((await test.metric(prefill, 'sliceway_requests_active')) > 0)
      await new Promise((resolve) => setTimeout(resolve, 2));
    times.push(performance.now() - start);
    expect(await answer).toMatchObject({ name: 'AbortError' });
    await nats.close();
    expect(Math.max(...times)).toBeLessThan(RESPONSE_MS);
  });
});
