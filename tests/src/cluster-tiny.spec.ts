import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32, tinyModel } from '@sliceway/testing';
import type { Answer, ChatFields } from './chat-stream.fixture.js';
import { ClusterFixture } from './cluster.fixture.js';
import { WireWatch } from './wire-watch.fixture.js';

/** 128 pages a worker: four of the long requests below, so that the others wait for pages. */
const KV_MEMORY_MB = 1;
const LONG = { content: 'a long story', max_tokens: 440 };

describe('a cluster with two replicas of each role and few pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-tiny-'));
  let fixture: ClusterFixture;
  let watch: WireWatch;

  beforeAll(async () => {
    const counts = { tokenizer: 2, prefill: 2, decode: 2, gateway: 1 };
    fixture = await ClusterFixture.start({ modelPath: tinyModel(folder), kvMemoryMb: KV_MEMORY_MB, counts });
    watch = await WireWatch.start(fixture.nats.url);
  });

  afterAll(async () => {
    await watch?.stop();
    await fixture?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Text, count and every token are LocalEngine's. */
  async function expectSame(fields: ChatFields, answer: Answer): Promise<void> {
    await watch.settled();
    const { texts, tokens } = await fixture.expected(fields);
    expect({ ...answer, tokens: watch.tokensOf(answer.rid) }).toEqual({
      rid: answer.rid,
      status: 200,
      texts,
      tokens,
      completionTokens: fields.max_tokens * (fields.n ?? 1),
      errorCode: null,
      isDone: true,
      retryAfter: null,
    });
  }

  it.each<[string, ChatFields]>([
    ['one byte', { content: 'x', max_tokens: 1 }],
    ['greedy', { content: 'hello the hello', max_tokens: 40 }],
    ['not streamed', { content: 'hello', max_tokens: 40, stream: false }],
    ['sampled', { content: 'hello', max_tokens: 40, temperature: 1.3, top_p: 0.9, top_k: 60, seed: 11 }],
    ['400 bytes: several chunks', { content: bytes(400, mulberry32(3)), max_tokens: 40 }],
    ['four choices', { content: 'pick one', max_tokens: 30, n: 4, temperature: 1, seed: 5 }],
  ])('is LocalEngine, token for token: %s', async (_, fields) => {
    await expectSame(fields, await fixture.chat(fields));
  });

  it('gives 16 mixed streams at once what each gets alone, on both replicas of each role', async () => {
    const requests = mixed(16, mulberry32(1));
    const answers = await Promise.all(requests.map((fields) => fixture.chat(fields)));
    for (const [i, fields] of requests.entries()) await expectSame(fields, answers[i]!);
    for (const instances of [watch.tokenizers, watch.prefills, watch.decodes])
      expect(new Set(answers.map(({ rid }) => instances.get(rid))).size).toBe(2);
    for (const [i, fields] of requests.entries()) expect((await fixture.chat(fields)).texts).toEqual(answers[i]!.texts);
  });

  it('frees the pages of clients that disconnect within a second', async () => {
    // So many that they are not all done while the gauges are read.
    const clients = Array.from({ length: 36 }, () => new AbortController());
    const running = gate();
    const answers = clients.map(({ signal }) =>
      fixture.chat(LONG, { signal, onEvent: (count) => count === 3 && running.open() }),
    );
    const outcomes = Promise.allSettled(answers);
    await running.opened;
    expect((await fixture.held()).join()).toMatch(/pages_used of decode/);
    for (const client of clients) client.abort();
    expect(await fixture.heldAfter(1000)).toEqual([]);
    expect((await outcomes).filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  });

  it('is where it was after 100 mixed requests with aborts, each with one end', async () => {
    const [gateway] = fixture.cluster.running('gateway');
    const ends = (end: string): Promise<number> =>
      fixture.metric(gateway!, 'sliceway_requests_total', end === '' ? '' : `end="${end}"`);
    const [all, failed, finished] = [await ends(''), await ends('failed'), await ends('finished')];
    const accepted = watch.tokenizers.size;
    const subscriptions = await fixture.subscriptions();
    const random = mulberry32(7);
    const requests = mixed(100, random).map((fields, i) => ({
      fields,
      abortAtEvent: i % 3 === 0 ? 1 + Math.floor(random() * 20) : Infinity,
      abortAfterMs: i % 5 === 1 ? random() * 40 : null,
    }));
    let complete = 0;
    const client = async (): Promise<void> => {
      for (let next = requests.shift(); next !== undefined; next = requests.shift()) {
        const { fields, abortAtEvent, abortAfterMs } = next;
        const controller = new AbortController();
        const timer = abortAfterMs === null ? undefined : setTimeout(() => controller.abort(), abortAfterMs);
        const onEvent = (count: number): void => void (count >= abortAtEvent && controller.abort());
        const answer = await fixture.chat(fields, { signal: controller.signal, onEvent }).catch((error: Error) => {
          expect(error.name).toBe('AbortError');
          return null;
        });
        clearTimeout(timer);
        if (answer === null) continue;
        expect(answer).toMatchObject({ isDone: true, errorCode: null });
        complete++;
      }
    };
    await Promise.all(Array.from({ length: 10 }, client));
    expect(await fixture.heldAfter(2000)).toEqual([]);
    expect(await fixture.subscriptions()).toEqual(subscriptions);
    await watch.settled();
    expect(complete).toBeGreaterThan(30);
    expect(complete).toBeLessThan(80);
    expect((await ends('finished')) - finished).toBeGreaterThanOrEqual(complete);
    expect(await ends('failed')).toBe(failed);
    // An accepted request is one whose prompt a tokenizer was asked for.
    expect((await ends('')) - all).toBe(watch.tokenizers.size - accepted);
  });

  it('finishes what runs on SIGTERM, and every process exits with 0', async () => {
    const requests = mixed(12, mulberry32(9));
    const running = gate();
    const answers = requests.map((fields) => fixture.chat(fields, { onEvent: () => running.open() }));
    await running.opened;
    const processes = fixture.running;
    await fixture.cluster.stop();
    for (const [i, answer] of (await Promise.all(answers)).entries()) await expectSame(requests[i]!, answer);
    const exits = await Promise.all(processes.map(async ({ name, exited }) => [name, (await exited).code]));
    expect(exits).toEqual(processes.map(({ name }) => [name, 0]));
    await watch.stop();
    expect(await fixture.subscriptions()).toEqual([]);
  });
});

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Requests of all kinds: prompts of 1 to 400 bytes, one to three choices, greedy and sampled. */
function mixed(count: number, random: () => number): ChatFields[] {
  return Array.from({ length: count }, (_, i) => ({
    content: bytes(1 + Math.floor(random() * 400), random),
    max_tokens: 1 + Math.floor(random() * 60),
    n: 1 + (i % 3),
    ...(i % 2 === 0 ? {} : { temperature: 0.5 + random(), top_p: 0.5 + random() / 2, seed: i }),
  }));
}

/** A text of so many bytes. */
function bytes(count: number, random: () => number): string {
  const words = ['hello ', 'the ', 'x', 'é', '😀', '\n', 'Sliceway, '];
  let text = '';
  for (let left = count; left > 0; left = count - Buffer.byteLength(text)) {
    const fitting = words.filter((word) => Buffer.byteLength(word) <= left);
    text += fitting[Math.floor(random() * fitting.length)]!;
  }
  return text;
}
