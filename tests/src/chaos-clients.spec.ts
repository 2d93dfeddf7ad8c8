import { connect, type Socket } from 'node:net';
import type { ChatFields } from './chat-stream.fixture.js';
import type { Chaos } from './chaos.fixture.js';
import { FIRST, STORIES } from './stories.fixture.js';
import { TracedChaos } from './traced-chaos.fixture.js';
import { failuresOf } from './traced-cluster.fixture.js';
import { until } from './until.fixture.js';
import { STAGES, type Stage } from './wire-watch.fixture.js';

/** From the client's end to the workers' last page. */
const FREED_MS = 1000;
const ABORTED_MS = 10_000;
const MAX_TRIES = 5;
const SILENT = 'nobody reads this';

describe('clients that leave or do not read', () => {
  let traced: TracedChaos;
  let chaos: Chaos;

  beforeAll(async () => {
    const counts = { tokenizer: 1, prefill: 1, decode: 1, gateway: 1 };
    const env = { SLICEWAY_MAX_CLIENT_BUFFER_BYTES: '65536' };
    traced = await TracedChaos.start({ counts, env, kvMemoryMb: 8 });
    ({ chaos } = traced);
  });

  afterAll(() => traced?.stop());

  async function ends(): Promise<Record<'finished' | 'aborted' | 'failed', number>> {
    const [gateway] = chaos.fixture.cluster.running('gateway');
    const read = (end: string): Promise<number> =>
      chaos.fixture.metric(gateway!, 'sliceway_requests_total', `end="${end}"`);
    const [finished, aborted, failed] = await Promise.all([read('finished'), read('aborted'), read('failed')]);
    return { finished, aborted, failed };
  }

  it.each(STAGES.flatMap((stage) => [true, false].map((stream) => [stage, stream] as const)))(
    'at %s (streamed: %s): all is free at once, the others do not notice',
    async (stage, stream) => {
      for (let tries = 0; !(await leaves(stage, stream)); tries++) expect(tries).toBeLessThan(MAX_TRIES);
    },
  );

  /** @returns false when the client was too late, which happens on a busy machine */
  async function leaves(stage: Stage, stream: boolean): Promise<boolean> {
    const before = await ends();
    const client = new AbortController();
    const leaver: ChatFields = { ...FIRST, content: `${FIRST.content} and so on`, stream };
    const reached = chaos.watch.next(stage, leaver.content);
    const left = chaos.ask(leaver, { signal: client.signal });
    const load = chaos.load();
    const rid = await reached;
    client.abort();
    const { error } = await left;
    chaos.expectWhole(await load);
    await chaos.expectQuiet(FREED_MS);
    const after = await ends();
    // It is the gateway that knows which came first, the answer's end or the client's.
    const isLate = after.aborted === before.aborted && chaos.watch.hasFinished(rid);
    // Then the client may have all of the answer, too.
    if (!isLate || error !== null) expect(error).toMatchObject({ name: 'AbortError' });
    expect(after).toEqual({
      ...before,
      finished: before.finished + STORIES.length + (isLate ? 1 : 0),
      aborted: before.aborted + (isLate ? 0 : 1),
    });
    return !isLate;
  }

  it('drops a client that does not read, and nobody else', async () => {
    const before = await ends();
    const reached = chaos.watch.next('tokenizing', SILENT);
    const socket = await post({
      content: SILENT,
      max_tokens: 440,
      stream: true,
      n: 8,
      logprobs: true,
      top_logprobs: 20,
    });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    chaos.expectWhole(await chaos.load());
    await until('the gateway drops it', ABORTED_MS, async () => (await ends()).aborted > before.aborted);
    await chaos.expectQuiet(FREED_MS);
    socket.resume();
    await closed;
    expect(failuresOf(await traced.validTrace(await reached))).toContain('gateway: slow_client');
  });

  /** A client that sends a request and then reads nothing: more than the kernel holds for it has to wait in the gateway. */
  async function post({ content, ...fields }: ChatFields): Promise<Socket> {
    const { fixture } = chaos;
    const [gateway] = fixture.cluster.running('gateway');
    const messages = [{ role: 'user', content }];
    const body = JSON.stringify({ model: fixture.model, messages, ignore_eos: true, temperature: 1, ...fields });
    const { hostname, port } = new URL(gateway!.url);
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.on('error', () => {});
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    fixture.sent.set(gateway!, fixture.sent.get(gateway!)! + 1);
    return socket;
  }
});
