import { openModel } from '@sliceway/model';
import { provideModel } from '@sliceway/local';
import { FinishReason } from '@sliceway/protocol';
import { entry, TestGateway, TestWorker } from './peers.fixture.js';
import { eventually, TokenizerFixture } from './tokenizer.fixture.js';

const TEXT = 'In 1815, naïve Zoë wrote “¿Qué?” — 漢字と仮名, 🙂👩‍👩‍👧; then:\n\n\tdone(42);';

describe('SmolLM2', () => {
  let fixture: TokenizerFixture;
  let gateway: TestGateway;
  let decode: TestWorker;

  beforeAll(async () => {
    fixture = await TokenizerFixture.start({ SLICEWAY_MODEL: await provideModel() });
    gateway = new TestGateway(fixture.connection, '0000000a');
    decode = new TestWorker(fixture.connection, '00000001', fixture.tokenizer.instance);
  });
  afterAll(() => fixture.stop());

  test('a text comes back as it was, character by character', async () => {
    const request = fixture.request({ text: TEXT }, gateway.instance);
    const reply = await fixture.encode(request);
    if (!('promptIds' in reply)) throw new Error(reply.error.message);
    const last = reply.promptIds.length - 1;
    reply.promptIds.forEach((token, i) =>
      decode.send(entry(request.rid, i, [token], i === last ? { finish: FinishReason.length } : {})),
    );
    await eventually(() => gateway.entriesOf(request.rid).length === last + 1, 'all text came');
    expect(gateway.textOf(request.rid)).toBe(TEXT);
    expect(gateway.entriesOf(request.rid).every(({ text }) => !text.includes('\ufffd'))).toBe(true);
  });

  test('tokens do not wait for a long prompt of someone else', async () => {
    const characters = 60_000;
    const text = Array.from({ length: characters }, (_, i) =>
      String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000)),
    ).join('');
    const file = openModel(await provideModel());
    const tokenizer = file.loadTokenizer();
    file.close();
    await fixture.encode(fixture.request({ text: text.slice(0, 5000) }, gateway.instance));
    const startedMs = performance.now();
    const expected = tokenizer.encode(text);
    const encodeMs = performance.now() - startedMs;

    const rid = await fixture.open(gateway.instance);
    let isDone = false;
    const reply = fixture.encode(fixture.request({ text }, gateway.instance)).finally(() => (isDone = true));
    let slowestMs = 0;
    let index = 0;
    for (; !isDone; index++) {
      const sentMs = performance.now();
      decode.send(entry(rid, index, [0x41]));
      await eventually(() => gateway.entriesOf(rid).length > index, 'its text came');
      slowestMs = Math.max(slowestMs, performance.now() - sentMs);
    }
    expect(await reply).toMatchObject({ promptIds: expected });
    expect(index).toBeGreaterThan(5);
    expect(slowestMs).toBeLessThan(encodeMs / 2);
  });
});
