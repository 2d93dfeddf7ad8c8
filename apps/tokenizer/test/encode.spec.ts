import type { EncodePrompt } from '@sliceway/protocol';
import { entry, TestGateway, TestWorker } from './peers.fixture.js';
import { eventually, TokenizerFixture } from './tokenizer.fixture.js';

const GATEWAY = '0000000a';
const [IM_START, IM_END, HELLO, THE] = [257, 258, 264, 263];
const bytes = (text: string): number[] => [...Buffer.from(text)];

describe('encode', () => {
  let fixture: TokenizerFixture;

  beforeAll(async () => {
    fixture = await TokenizerFixture.start({ SLICEWAY_MAX_PROMPT_CHARS: '20000', SLICEWAY_MAX_OPEN_REQUESTS: '40' });
  });
  afterAll(() => fixture.stop());

  const encode = (prompt: unknown, output = {}) =>
    fixture.encode(fixture.request(prompt as EncodePrompt, GATEWAY, output));

  test.each<[string, EncodePrompt, number[]]>([
    ['text', { text: 'hello the' }, [HELLO, THE]],
    ['ids', { ids: [1, 265] }, [1, 265]],
    [
      'messages',
      { messages: [{ role: 'user', content: 'hello' }] },
      [IM_START, ...bytes('user\n'), HELLO, IM_END, 10, IM_START, ...bytes('assistant\n')],
    ],
    ['long text, on the thread', { text: 'hello'.repeat(4000) }, Array<number>(4000).fill(HELLO)],
  ])('%s', async (_, prompt, promptIds) => {
    const request = fixture.request(prompt, GATEWAY);
    expect(await fixture.encode(request)).toEqual({ rid: request.rid, promptIds, text: null });
  });

  test.each([
    ['no text', { text: '' }, {}, 'empty_prompt', 'the prompt has no tokens'],
    ['too long a text', { text: 'x'.repeat(20_001) }, {}, 'prompt_too_long', '20001 characters; at most 20000'],
    ['an id outside', { ids: [3, 266] }, {}, 'bad_token_id', '266 is not in the vocabulary of 266'],
    ['an empty stop string', { text: 'x' }, { stop: [''] }, 'bad_stop', 'empty'],
  ])('%s is refused, and nothing stays open', async (_, prompt, output, code, message) => {
    const before = await fixture.openRequests();
    expect(await encode(prompt, output)).toMatchObject({ error: { code, message: expect.stringContaining(message) } });
    expect(await fixture.openRequests()).toBe(before);
    expect(await fixture.metric('sliceway_refused_prompts_total', `code="${code}"`)).toBeGreaterThan(0);
  });

  test('the text of ids, where it is asked for', async () => {
    // Half of a two-byte character.
    const promptIds = [IM_START, HELLO, THE, 0xc3];
    const request = fixture.request({ ids: promptIds }, GATEWAY);
    const text = '<|im_start|>hello the\ufffd';
    expect(await fixture.encode({ ...request, withText: true })).toMatchObject({ promptIds, text });
  });

  test('text that does not fit into a reply with its ids is refused', async () => {
    // 130,000 ids have less than 512 KiB, their texts of 12 characters more than the broker takes.
    const request = fixture.request({ ids: Array<number>(130_000).fill(IM_START) }, GATEWAY);
    const refused = { error: { code: 'prompt_too_long', message: expect.stringContaining('with its text') } };
    expect(await fixture.encode({ ...request, withText: true })).toMatchObject(refused);
    expect(await fixture.encode({ ...request, attempt: 1 })).toMatchObject({ text: null });
  });

  test.each([
    ['short', 'x'],
    ['long, on the thread', 'hello'.repeat(1000)],
  ])('a prompt that comes after its deadline is not encoded: %s', async (_, text) => {
    const before = [await fixture.openRequests(), await fixture.metric('sliceway_encoded_tokens_total')];
    const request = fixture.request({ text }, GATEWAY);
    const late = await fixture.encode({ ...request, deadlineMs: Date.now() - 1 });
    expect(late).toMatchObject({ error: { code: 'deadline' } });
    expect([await fixture.openRequests(), await fixture.metric('sliceway_encoded_tokens_total')]).toEqual(before);
    const inTime = { ...request, attempt: 1, deadlineMs: Date.now() + 60_000 };
    expect(await fixture.encode(inTime)).toMatchObject({ promptIds: expect.any(Array) });
  });

  test('a message that cannot be read hurts no other', async () => {
    await expect(fixture.encode({ rid: 'x' }, 500)).rejects.toThrow();
    expect(await encode({ text: 'x' })).toMatchObject({ promptIds: [0x78] });
  });

  test('an abort that comes first', async () => {
    const request = fixture.request({ text: 'x' }, GATEWAY);
    fixture.abort({ rid: request.rid, choice: null, attempt: 0, reason: 'client_disconnected' });
    expect(await fixture.encode(request)).toMatchObject({ error: { code: 'aborted' } });
    expect(await fixture.encode({ ...request, attempt: 1 })).toMatchObject({ promptIds: [0x78] });
  });

  test('so many requests may be open, and one that ends makes room', async () => {
    const gateway = new TestGateway(fixture.connection, GATEWAY);
    const decode = new TestWorker(fixture.connection, '00000001', fixture.tokenizer.instance);
    const rids: string[] = [];
    while ((await fixture.openRequests()) < 40) rids.push(await fixture.open(GATEWAY));
    expect(await encode({ text: 'x' })).toMatchObject({ error: { code: 'queue_full' } });
    decode.send(entry(rids[0]!, 0, [0x78], { finish: 1 }));
    await eventually(() => gateway.entriesOf(rids[0]!).length === 1, 'its text came');
    expect(await encode({ text: 'x' })).toMatchObject({ promptIds: [0x78] });
  });

  test('heartbeats and metrics tell of it', async () => {
    const { role, state, load, serves } = await fixture.nextBeat();
    expect([role, state]).toEqual(['tokenizer', 'ready']);
    expect(load).toMatchObject({ running: await fixture.openRequests(), maxRunning: 40 });
    expect(serves).toMatchObject({ contextLength: 512, eosTokenIds: [258, 256], kvFormat: null });
    expect(serves?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(await fixture.metric('sliceway_encode_seconds_count')).toBeGreaterThan(5);
    expect(await fixture.metric('sliceway_encoded_tokens_total')).toBeGreaterThan(4000);
  });
});
