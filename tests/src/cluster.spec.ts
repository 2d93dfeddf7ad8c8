import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { mulberry32, tinyModel } from '@sliceway/testing';
import { ClusterUnderTest, settles } from './cluster.fixture.js';

describe('a cluster of two replicas each', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-tiny-'));
  let test: ClusterUnderTest;

  beforeAll(async () => {
    const counts = { tokenizer: 2, prefill: 2, decode: 2, gateway: 1 };
    test = await ClusterUnderTest.start({ modelPath: tinyModel(folder), kvMemoryMb: 1, counts });
  });

  afterAll(async () => {
    await test.stop();
    rmSync(folder, { recursive: true });
  });

  const long = Array.from({ length: 80 }, (_, i) => `word${i}`)
    .join(' ')
    .slice(0, 400);

  it.each([
    ['greedy', 'Hello', { max_tokens: 24 }, { maxNewTokens: 24 }],
    [
      'sampled',
      'Hello',
      { max_tokens: 24, temperature: 1.3, top_p: 0.9, top_k: 60, seed: 11 },
      { maxNewTokens: 24, temperature: 1.3, topP: 0.9, topK: 60, seed: 11 },
    ],
    ['a prompt of several chunks', long, { max_tokens: 20 }, { maxNewTokens: 20 }],
    [
      'three choices',
      'Pick one',
      { max_tokens: 16, n: 3, temperature: 1, seed: 5 },
      { maxNewTokens: 16, choices: 3, temperature: 1, seed: 5 },
    ],
    ['one token', 'x', { max_tokens: 1 }, { maxNewTokens: 1 }],
  ])('answers what LocalEngine answers: %s', async (_, content, body, params) => {
    const answer = await test.stream(content, body);
    expect(answer.texts).toEqual(await test.expected(content, params));
    expect(answer).toMatchObject({ error: null, completionTokens: params.maxNewTokens * answer.texts.length });
    expect(answer.finishReasons.every((reason) => reason === 'length')).toBe(true);
  });

  it('gives 16 mixed streams at once what each gets alone, on both replicas of each role', async () => {
    const watcher = await connect({ servers: test.natsUrl });
    const receivers = new Set<string>();
    watcher.subscribe('sw.*.*.leg', { callback: (_, { subject }) => void receivers.add(subject) });
    watcher.subscribe('sw.tokenizer.*.encode', { callback: (_, { subject }) => void receivers.add(subject) });
    await watcher.flush();
    const bodies = Array.from({ length: 16 }, (_, i) => ({
      content: `${i} `.repeat(1 + ((i * 7) % 40)),
      body: { max_tokens: 8 + i, temperature: i % 2, seed: i, n: 1 + (i % 3) },
    }));
    const together = await Promise.all(bodies.map(({ content, body }) => test.stream(content, body)));
    await watcher.close();
    for (const [i, { content, body }] of bodies.entries()) {
      const params = { maxNewTokens: body.max_tokens, temperature: body.temperature, seed: body.seed, choices: body.n };
      expect([i, together[i]!.texts]).toEqual([i, await test.expected(content, params)]);
    }
    expect(receivers.size).toBe(6);
  });

  it('frees a disconnected client within a second, on every process', async () => {
    const client = new AbortController();
    const stream = test.stream(
      'a long story',
      { max_tokens: 400 },
      client.signal,
      (chunks) => chunks === 5 && client.abort(),
    );
    await expect(stream).rejects.toThrow(/abort/i);
    expect(await settles(() => test.held(), 0, 1000)).toBe(0);
  });

  it('is where it was after 100 mixed requests with aborts, and each had one end', async () => {
    const gateway = test.cluster.running('gateway')[0]!;
    const ends = (): Promise<number> => test.metric(gateway, 'sliceway_requests_total');
    const subscriptions = await test.subscriptions();
    const before = await ends();
    const random = mulberry32(7);
    let index = 0;
    const worker = async (): Promise<void> => {
      while (index < 100) {
        const i = index++;
        const client = new AbortController();
        const body = {
          max_tokens: 1 + Math.floor(random() * 60),
          n: 1 + Math.floor(random() * 2),
          temperature: 1,
          seed: i,
        };
        const abortAt = random() < 0.4 ? 1 + Math.floor(random() * 20) : Infinity;
        const timer = random() < 0.2 ? setTimeout(() => client.abort(), random() * 40) : undefined;
        await test
          .stream(
            'z'.repeat(1 + Math.floor(random() * 300)),
            body,
            client.signal,
            (chunks) => chunks >= abortAt && client.abort(),
          )
          .catch((error: Error) => expect(error.message).toMatch(/abort/i));
        clearTimeout(timer);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(await settles(() => test.held(), 0, 3000)).toBe(0);
    expect(await test.subscriptions()).toBe(subscriptions);
    // A client that left while it connected may not have become a request.
    const counted = (await ends()) - before;
    expect(counted).toBeGreaterThan(80);
    expect(counted).toBeLessThanOrEqual(100);
  });

  it('tells the client when a decode worker dies, and serves on', async () => {
    const victim = test.cluster.running('decode')[0]!;
    let killed = false;
    const streams = Array.from({ length: 8 }, (_, i) =>
      test.stream(`story ${i}`, { max_tokens: 300 }, undefined, (chunks) => {
        if (chunks < 4 || killed) return;
        killed = true;
        victim.kill('SIGKILL');
      }),
    );
    const answers = await Promise.all(streams);
    const failed = answers.filter(({ error }) => error !== null);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(8);
    expect(await settles(() => test.held(), 0, 3000)).toBe(0);
    expect((await test.stream('again', { max_tokens: 5 })).error).toBeNull();
  });

  it('stops cleanly on SIGTERM', async () => {
    const running = test.cluster.processes.filter(({ isRunning }) => isRunning);
    await test.cluster.stop();
    expect((await Promise.all(running.map(({ exited }) => exited))).map(({ code }) => code)).toEqual(
      running.map(() => 0),
    );
  });
});
