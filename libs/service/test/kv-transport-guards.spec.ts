import { jest } from '@jest/globals';
import { decodeCreditFrame, decodeKvFrame, parseBootstrap, subjects, type Bootstrap } from '@sliceway/protocol';
import { NatsKvTransport, type NatsKvTransportOptions } from '@sliceway/service';
import { Broker } from './broker.fixture.js';
import { damaged, FaultyLink } from './faulty-link.fixture.js';
import { KV_FORMAT, KvPages, PAGE_BLOCK_BYTES } from './kv-pages.fixture.js';
import { FIRST_TOKENS, Transfer, type TransportPair } from './kv-transport.cases.js';
import { until } from './until.fixture.js';

const PREFILL = '0000001a';
const PREFILL_BEHIND_LINK = '000001aa';
const DECODE = '0000001b';
const PROBE_MS = 20;

let broker: Broker;
beforeAll(async () => {
  broker = await Broker.start();
});
afterAll(() => broker.stop());

interface GuardedPair extends TransportPair {
  readonly credits: FaultyLink;
  readonly badFrames: unknown[];
  publishBootstrap: (bootstrap: Bootstrap) => void;
}

/** A pair whose credits pass a faulty link. */
async function openPair(): Promise<GuardedPair> {
  const [left, right, middle] = await Promise.all([1, 2, 3].map(() => broker.connect()));
  const credits = new FaultyLink(middle!, subjects.credit(PREFILL_BEHIND_LINK), subjects.credit(PREFILL));
  await middle!.flush();
  const badFrames: unknown[] = [];
  const shared = {
    kvFormat: KV_FORMAT,
    pageBlockBytes: PAGE_BLOCK_BYTES,
    window: 4,
    timeoutMs: 1000,
    bootstrapTimeoutMs: 1000,
    probeMs: PROBE_MS,
    onBadFrame: (error: unknown) => badFrames.push(error),
  } satisfies Partial<NatsKvTransportOptions>;
  const prefill = new NatsKvTransport({
    ...shared,
    connection: left!,
    role: 'prefill',
    instance: PREFILL,
    publishBootstrap: () => {},
  });
  const pair: GuardedPair = {
    prefill,
    decode: new NatsKvTransport({
      ...shared,
      connection: right!,
      role: 'decode',
      instance: DECODE,
      publishBootstrap: (_prefill, bootstrap) => pair.publishBootstrap(bootstrap),
    }),
    prefillId: PREFILL_BEHIND_LINK,
    decodeId: DECODE,
    credits,
    badFrames,
    publishBootstrap: (bootstrap) => void setImmediate(() => prefill.accept(parseBootstrap(bootstrap))),
    stop: async () => {
      pair.prefill.close();
      pair.decode.close();
      await Promise.all([left!.close(), right!.close(), middle!.close()]);
    },
  };
  await Promise.all([left!.flush(), right!.flush()]);
  return pair;
}

describe('NatsKvTransport against its surroundings', () => {
  let pair: GuardedPair;
  const intervals = { set: jest.spyOn(globalThis, 'setInterval'), clear: jest.spyOn(globalThis, 'clearInterval') };

  beforeEach(async () => {
    pair = await openPair();
    jest.clearAllMocks();
  });
  afterEach(async () => {
    const open = pair.prefill.open + pair.decode.open;
    const opened = intervals.set.mock.calls.flatMap(([, periodMs], i) =>
      periodMs === PROBE_MS / 2 ? [intervals.set.mock.results[i]!.value] : [],
    );
    const cleared = new Set<unknown>(intervals.clear.mock.calls.map(([timer]) => timer));
    await pair.stop();
    expect(open).toBe(0);
    // One at each end of each transfer.
    expect(opened.length).toBeGreaterThanOrEqual(2);
    expect(opened.every((timer) => cleared.has(timer))).toBe(true);
  });

  // Credits have no checksum. Magic, version, type, sender, seq, count; rid, choice, attempt, flags, pad, room; numbers.
  // prettier-ignore
  it.each([
    [0, 0], [2, 0], [3, 0], [4, 0], [8, 0], [11, 7], [12, 1],
    [16, 0], [32, 0], [33, 0], [34, 0], [34, 1], [35, 0], [36, 0],
    [44, 0], [44, 1], [47, 7], [48, 0], [48, 2], [51, 7],
  ])(
    'arrives whole, or fails with its code, when byte %i bit %i of a credit is damaged',
    async (byte, bit) => {
      pair.credits.fault = (message, index) => [index === 1 ? damaged(message, byte, bit) : message];
      const transfer = new Transfer(pair, KvPages.filled(10)).openBoth().sendAll();
      await until(
        `both ends have ended, beside ${transfer.said.join()}`,
        () => pair.prefill.open + pair.decode.open === 0 && transfer.said.length === 3,
      );
      // The damaged one was sent.
      expect(pair.credits.messages).toBeGreaterThan(1);
      const isWhole = Buffer.compare(transfer.target.bytes, transfer.source.bytes) === 0;
      if (transfer.said.includes('complete')) {
        expect(isWhole).toBe(true);
        expect(transfer.firstTokens).toEqual(FIRST_TOKENS);
      }
      // Prefill frees its pages when it is done: decode has to have them.
      if (transfer.said.includes('done')) expect(transfer.said).toContain('complete');
      else expect(transfer.said).toContain('prefill: kv_timeout');
    },
  );

  it('takes a damaged complete for what it is', async () => {
    let falsified = 0;
    pair.credits.fault = (message) => {
      if (decodeCreditFrame(message).complete || falsified++ > 0) return [message];
      return [damaged(message, 34, 1)];
    };
    await new Transfer(pair, KvPages.filled(10)).openBoth().sendAll().arrives();
    expect(falsified).toBeGreaterThan(0);
  });

  it('outlives bootstraps that cannot be published, and publishes the next', async () => {
    let failures = 0;
    const publish = pair.publishBootstrap;
    pair.publishBootstrap = (bootstrap) => {
      if (failures++ < 3) throw new Error('not connected');
      publish(bootstrap);
    };
    await new Transfer(pair, KvPages.filled(1)).openBoth().sendAll().arrives();
    expect(pair.badFrames).toEqual(Array(3).fill(new Error('not connected')));
  });

  it('fails a transfer whose source throws, and no other', async () => {
    const [bad, good] = [1, 2].map((seed) => new Transfer(pair, KvPages.filled(4, seed)));
    bad!.source.read = () => {
      throw new RangeError('no such page');
    };
    bad!.openBoth().sendAll();
    good!.openBoth().sendAll();
    await bad!.heard('prefill: engine_error');
    await good!.arrives();
    bad!.receiver.close();
  });

  it('says complete again as often as prefill asks for it', async () => {
    let asked = 0;
    const listener = await broker.connect();
    // The last frame asks for it, too.
    listener.subscribe(subjects.kv(DECODE), {
      callback: (_error, { data }) => {
        if (asked > 0 || decodeKvFrame(data).last) asked++;
      },
    });
    await listener.flush();
    const transfer = new Transfer(pair, KvPages.filled(1)).openBoth();
    let completes = 0;
    pair.credits.fault = (message) => (decodeCreditFrame(message).complete && completes++ < 5 ? [] : [message]);
    transfer.sendAll();
    await transfer.arrives();
    // A broker that was late may bring several questions at once.
    expect(completes).toBeGreaterThan(5);
    await until('all questions are answered', () => completes === asked);
    await listener.close();
  });
});
