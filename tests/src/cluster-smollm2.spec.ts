import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import OpenAI from 'openai';
import { ClusterFixture } from './cluster.fixture.js';

/** What a service may take to answer while an engine computes. */
const RESPONSE_MS = 50;
/** Where the machine was busy with others, which one answer in 20 may say; a chunk of prefill takes longer. */
const BUSY_MS = 250;
const BUSY_SHARE = 0.05;
const POLL_MS = 20;

describe('SmolLM2 through gateway, tokenizer, prefill and decode', () => {
  let fixture: ClusterFixture;

  beforeAll(async () => {
    const modelPath = process.env['SLICEWAY_MODEL'];
    if (!modelPath) throw new Error('SLICEWAY_MODEL is not set; `npm test` provides the model');
    fixture = await ClusterFixture.start({ modelPath, kvMemoryMb: 256 });
  });

  afterAll(() => fixture?.stop());

  it.each(['What is the capital of France?', 'Name three colours.', 'Écris une phrase en français.'])(
    "streams LocalEngine's greedy answer to the openai client: %s",
    async (content) => {
      const client = new OpenAI({ baseURL: `${fixture.cluster.gatewayUrl}/v1`, apiKey: 'none' });
      const stream = await client.chat.completions.create({
        model: fixture.model,
        messages: [{ role: 'user', content }],
        temperature: 0,
        max_tokens: 24,
        stream: true,
      });
      let text = '';
      for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      expect(text.trim()).not.toBe('');
      expect([text]).toEqual((await fixture.expected({ content, max_tokens: 24 }, false)).texts);
    },
  );

  it('gives 8 mixed streams at once what each gets alone', async () => {
    const requests = Array.from({ length: 8 }, (_, i) => ({
      content: `Count from ${i} to ${i + 5}. `.repeat(1 + (i % 3)),
      max_tokens: 16,
      ...(i % 2 === 0 ? {} : { temperature: 0.8, top_p: 0.9, seed: i }),
    }));
    const answers = await Promise.all(requests.map((fields) => fixture.chat(fields)));
    for (const [i, fields] of requests.entries()) {
      expect(answers[i]!.completionTokens).toBe(16);
      expect(answers[i]!.texts).toEqual((await fixture.expected(fields)).texts);
    }
  });

  it(`answers probes and pings within ${RESPONSE_MS} ms while it prefills 1,000 tokens`, async () => {
    const content = 'one two '.repeat(485);
    expect(fixture.local.encode({ messages: [{ role: 'user', content }] }).length).toBeGreaterThanOrEqual(1000);
    const nats = await connect({ servers: fixture.nats.url });
    const [prefill] = fixture.cluster.running('prefill');
    const services = fixture.running.map(({ url }) => `${url}/health/live`);
    let isPrefilling = true;
    const answer = fixture.chat({ content, max_tokens: 2 }, { onEvent: () => (isPrefilling = false) });
    while ((await fixture.metric(prefill!, 'sliceway_running')) === 0) await sleep(POLL_MS);

    const took: { readonly what: string; readonly ms: number }[] = [];
    const timed = async (what: string, run: () => Promise<unknown>): Promise<void> => {
      const startMs = performance.now();
      await run();
      took.push({ what, ms: performance.now() - startMs });
    };
    const probe = async (url: string): Promise<void> => expect((await fetch(url)).status).toBe(200);
    let polls = 0;
    for (; isPrefilling; polls++) {
      await Promise.all([
        ...services.map((url) => timed(url, () => probe(url))),
        timed('broker', () => nats.rtt()),
        // The services' own answer to a ping over NATS.
        ...fixture.running.map(({ role }) =>
          timed(`ping of ${role}`, () => nats.request(`$SRV.PING.sliceway-${role}`)),
        ),
      ]);
      await sleep(POLL_MS);
    }
    await nats.close();
    expect(await answer).toMatchObject({ isDone: true, completionTokens: 2 });
    expect(polls).toBeGreaterThan(20);
    const slow = took.filter(({ ms }) => ms > RESPONSE_MS);
    expect(slow.filter(({ ms }) => ms > BUSY_MS)).toEqual([]);
    expect(slow.length).toBeLessThanOrEqual(BUSY_SHARE * took.length);
  });

  it(`hears of a client that leaves within ${RESPONSE_MS} ms, while it prefills`, async () => {
    const [prefill] = fixture.cluster.running('prefill');
    let leastMs = Infinity;
    // A busy machine may keep one of them.
    for (const word of ['two', 'three', 'four']) {
      if (leastMs < RESPONSE_MS) break;
      const client = new AbortController();
      const fields = { content: `one ${word} `.repeat(485), max_tokens: 2 };
      const left = expect(fixture.chat(fields, { signal: client.signal })).rejects.toThrow();
      while ((await fixture.metric(prefill!, 'sliceway_running')) === 0) await sleep(POLL_MS);
      client.abort();
      const startMs = performance.now();
      while ((await fixture.metric(prefill!, 'sliceway_requests_active')) > 0) await sleep(1);
      leastMs = Math.min(leastMs, performance.now() - startMs);
      await left;
      // Its pages are free when the chunk that was computing is done.
      expect(await fixture.heldAfter(5000)).toEqual([]);
    }
    expect(leastMs).toBeLessThan(RESPONSE_MS);
  });
});
