import { setTimeout as sleep } from 'node:timers/promises';
import { FinishReason, WorkerState } from '@sliceway/protocol';
import { entry, heartbeat, TestGateway, TestWorker } from './peers.fixture.js';
import { eventually, TokenizerFixture } from './tokenizer.fixture.js';

const bytes = (text: string): number[] => [...Buffer.from(text)];
const END = { finish: FinishReason.length };

describe('tokens to text', () => {
  let fixture: TokenizerFixture;
  let gateway: TestGateway;
  let otherGateway: TestGateway;
  let instances = 0;

  beforeAll(async () => {
    fixture = await TokenizerFixture.start({ SLICEWAY_TOKEN_ORDER_TIMEOUT_MS: '300' });
    gateway = new TestGateway(fixture.connection, '0000000a');
    otherGateway = new TestGateway(fixture.connection, '0000000b');
  });
  afterAll(() => fixture.stop());
  afterEach(async () => {
    await eventually(async () => (await fixture.openRequests()) === 0, 'no request is open');
  });

  const worker = () =>
    new TestWorker(fixture.connection, (0x100 + instances++).toString(16).padStart(8, '0'), fixture.tokenizer.instance);

  test('one frame in, one frame out to each gateway, with the ids of all tokens', async () => {
    const rids = await Promise.all([0, 1, 2, 3].map(() => fixture.open(gateway.instance)));
    const other = await fixture.open(otherGateway.instance);
    const decode = worker();
    const before = gateway.frames.length;
    for (let step = 0; step < 3; step++) {
      const over = step === 2 ? END : {};
      decode.send(...[...rids, other].map((rid) => entry(rid, step, [0xf0, 0x9f, 0x98].slice(step, step + 1), over)));
    }
    await eventually(() => otherGateway.entriesOf(other).length === 3, 'all came');
    await eventually(() => gateway.frames.length === before + 3, 'three frames came');
    expect(gateway.frames.slice(before).map(({ count }) => count)).toEqual([4, 4, 4]);
    for (const rid of rids) {
      expect(gateway.entriesOf(rid).map(({ tokens, text }) => [tokens, text])).toEqual([
        [[0xf0], ''],
        [[0x9f], ''],
        [[0x98], '\ufffd'],
      ]);
    }
  });

  test('token 1 from decode before token 0 from prefill, several choices, a stop string across tokens', async () => {
    const rid = await fixture.open(gateway.instance, { choices: 2, stop: ['lo w'] });
    const [prefill, decode] = [worker(), worker()];
    const at = (choice: number) => ({ choice });
    decode.send(entry(rid, 1, bytes('ello')), entry(rid, 1, bytes('y'), { ...at(1), ...END }));
    prefill.send(entry(rid, 0, bytes('h')), entry(rid, 0, bytes('m'), at(1)));
    decode.send(entry(rid, 5, bytes(' ')));
    decode.send(entry(rid, 6, bytes('world')));
    decode.send(entry(rid, 11, bytes('!')));
    await eventually(() => gateway.entriesOf(rid).at(-1)?.finish === FinishReason.stop, 'it stopped');
    expect([gateway.textOf(rid), gateway.textOf(rid, 1)]).toEqual(['hel', 'my']);
    expect(gateway.entriesOf(rid).at(-1)).toMatchObject({ matchedStop: 'lo w', index: 6, tokens: bytes('w') });
    expect(gateway.entriesOf(rid).flatMap(({ tokens }) => tokens)).toEqual(bytes('hello w'));
  });

  test('a gap in the frames of a worker fails what may miss a token, and nothing else', async () => {
    const [one, two] = await Promise.all([fixture.open(gateway.instance), fixture.open(gateway.instance)]);
    const [prefill, decode, otherPrefill, otherDecode] = [worker(), worker(), worker(), worker()];
    prefill.send(entry(one, 0, bytes('a')));
    otherPrefill.send(entry(two, 0, bytes('a')));
    decode.send(entry(one, 1, bytes('b')));
    otherDecode.send(entry(two, 1, bytes('b')));
    await eventually(() => gateway.textOf(two) === 'ab', 'both are known');
    decode.loseFrame();
    decode.send(entry(one, 3, bytes('d')));
    await eventually(() => gateway.failures.some(({ rid }) => rid === one), 'it failed');
    expect(gateway.failures.find(({ rid }) => rid === one)).toMatchObject({
      choice: null,
      attempt: 0,
      code: 'frame_lost',
      from: { role: 'tokenizer', instance: fixture.tokenizer.instance },
    });
    otherDecode.send(entry(two, 2, bytes('c'), END));
    await eventually(() => gateway.textOf(two) === 'abc', 'the other goes on');
    expect(gateway.textOf(one)).toBe('ab');
    expect(gateway.failures.filter(({ rid }) => rid === two)).toEqual([]);
    expect(await fixture.metric('sliceway_token_frames_lost_total')).toBe(1);
  });

  test('a token that does not come fails the request', async () => {
    const rid = await fixture.open(gateway.instance);
    worker().send(entry(rid, 1, bytes('b')));
    await eventually(() => gateway.failures.some((failed) => failed.rid === rid), 'it failed');
    expect(gateway.failures.find((failed) => failed.rid === rid)).toMatchObject({ code: 'token_lost' });
  });

  test('frames that cannot be read are dropped, tokens of nobody too', async () => {
    const rid = await fixture.open(gateway.instance);
    const decode = worker();
    fixture.connection.publish(`sw.tokenizer.${fixture.tokenizer.instance}.tokens`, new Uint8Array(40));
    decode.send(entry('f'.repeat(32), 0, bytes('x')), entry(rid, 0, bytes('a'), END));
    await eventually(() => gateway.textOf(rid) === 'a', 'the good one came');
    expect(await fixture.metric('sliceway_dropped_token_entries_total', 'reason="unknown"')).toBeGreaterThan(0);
  });

  test('requests of a gateway that is lost or leaves are closed', async () => {
    const [lost, leaving] = ['0000000c', '0000000d'];
    fixture.beat(heartbeat('gateway', lost, 0, { intervalMs: 500 }));
    fixture.beat(heartbeat('gateway', leaving, 0, { intervalMs: 60_000 }));
    await Promise.all([fixture.open(lost), fixture.open(leaving)]);
    expect(await fixture.openRequests()).toBe(2);
    await eventually(async () => (await fixture.openRequests()) === 1, 'the lost one is noticed');
    fixture.beat(heartbeat('gateway', leaving, 1, { state: WorkerState.stopped }));
    await eventually(async () => (await fixture.openRequests()) === 0, 'the other has left');
  });

  test('abort closes it', async () => {
    const rid = await fixture.open(gateway.instance);
    fixture.abort({ rid, choice: null, attempt: 0, reason: 'client_disconnected' });
    await eventually(async () => (await fixture.openRequests()) === 0, 'it is closed');
  });

  test('SIGTERM: open requests get their text, then it ends', async () => {
    const own = await TokenizerFixture.start({ SLICEWAY_DRAIN_TIMEOUT_MS: '20000' });
    try {
      const reader = new TestGateway(own.connection, '0000000a');
      const rid = await own.open(reader.instance);
      own.tokenizer.kill('SIGTERM');
      await eventually(async () => (await own.nextBeat()).state === WorkerState.draining, 'it drains');
      await sleep(100);
      expect(own.tokenizer.isRunning).toBe(true);
      new TestWorker(own.connection, '00000001', own.tokenizer.instance).send(entry(rid, 0, bytes('a'), END));
      expect(await own.tokenizer.exited).toMatchObject({ code: 0, signal: null });
      expect(reader.textOf(rid)).toBe('a');
    } finally {
      await own.stop();
    }
  });
});
