import { decodeCreditFrame, decodeKvFrame, parseBootstrap, subjects, type KvFrame } from '@sliceway/protocol';
import { NatsKvTransport, type NatsKvTransportOptions } from '@sliceway/service';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker } from './broker.fixture.js';
import { damaged, drop, duplicate, FaultyLink } from './faulty-link.fixture.js';
import { KV_FORMAT, KvPages, PAGE_BLOCK_BYTES } from './kv-pages.fixture.js';
import { kvTransportCases, Transfer, transferId, type PairOptions, type TransportPair } from './kv-transport.cases.js';
import { until } from './until.fixture.js';

const PREFILL = '0000000a';
const DECODE = '0000000b';
/** What the legs call them: messages to these go through the links. */
const PREFILL_BEHIND_LINK = '000000aa';
const DECODE_BEHIND_LINK = '000000bb';
const PROBE_MS = 25;
const FRAME_BYTES = 512 * 1024;

let broker: Broker;
beforeAll(async () => {
  broker = await Broker.start();
});
afterAll(() => broker.stop());

interface NatsPair extends TransportPair {
  readonly prefill: NatsKvTransport;
  readonly decode: NatsKvTransport;
  readonly kv: FaultyLink;
  readonly credits: FaultyLink;
  readonly badFrames: unknown[];
}

interface NatsPairOptions extends PairOptions {
  readonly linked?: boolean;
  readonly maxInFlightBytes?: number;
}

async function openPair(options: NatsPairOptions = {}): Promise<NatsPair> {
  const { decodeFormat = KV_FORMAT, window = 8, timeoutMs = 10_000, linked = false } = options;
  const reconnecting = { reconnectTimeWait: 50, maxReconnectAttempts: -1 };
  const [left, right, middle] = await Promise.all([1, 2, 3].map(() => broker.connect(reconnecting)));
  const kv = new FaultyLink(middle!, subjects.kv(DECODE_BEHIND_LINK), subjects.kv(DECODE));
  const credits = new FaultyLink(middle!, subjects.credit(PREFILL_BEHIND_LINK), subjects.credit(PREFILL));
  await middle!.flush();
  const badFrames: unknown[] = [];
  const shared = {
    pageBlockBytes: PAGE_BLOCK_BYTES,
    window,
    timeoutMs,
    bootstrapTimeoutMs: timeoutMs,
    probeMs: PROBE_MS,
    onBadFrame: (error: unknown) => badFrames.push(error),
    ...(options.maxInFlightBytes === undefined ? {} : { maxInFlightBytes: options.maxInFlightBytes }),
  };
  const peers = linked
    ? { prefillId: PREFILL_BEHIND_LINK, decodeId: DECODE_BEHIND_LINK }
    : { prefillId: PREFILL, decodeId: DECODE };
  const prefill = new NatsKvTransport({
    ...shared,
    connection: left!,
    role: 'prefill',
    instance: PREFILL,
    kvFormat: KV_FORMAT,
    publishBootstrap: () => {
      throw new Error('a prefill worker sends no bootstrap');
    },
  } satisfies NatsKvTransportOptions);
  const decode = new NatsKvTransport({
    ...shared,
    connection: right!,
    role: 'decode',
    instance: DECODE,
    kvFormat: decodeFormat,
    // Apps send it as a Nest event, on another connection.
    publishBootstrap: (_prefill, bootstrap) =>
      void setImmediate(() => prefill.accept(parseBootstrap({ ...bootstrap, decode: peers.decodeId }))),
  });
  await Promise.all([left!.flush(), right!.flush()]);
  const stop = async (): Promise<void> => {
    prefill.close();
    decode.close();
    await Promise.all([left!.close(), right!.close(), middle!.close()]);
  };
  return { prefill, decode, kv, credits, badFrames, ...peers, stop };
}

kvTransportCases('NatsKvTransport', openPair);

describe('NatsKvTransport', () => {
  let pair: NatsPair;
  const open = async (options?: NatsPairOptions): Promise<NatsPair> =>
    (pair = await openPair({ linked: true, ...options }));

  afterEach(async () => {
    await pair.stop();
    expect(pair.prefill.open + pair.decode.open).toBe(0);
  });

  it('splits into frames below max_payload that are whole page blocks', async () => {
    await open();
    const frames = new Map<number, KvFrame>();
    pair.kv.fault = (message) => {
      expect(message.byteLength).toBeLessThanOrEqual(FRAME_BYTES);
      const frame = decodeKvFrame(message);
      if (frame.payload.byteLength > 0) frames.set(frame.seq, frame);
      return [message];
    };
    await new Transfer(pair, KvPages.filled(13)).openBoth().sendAll(13).arrives();
    expect([...frames.keys()]).toEqual(Array.from({ length: 4 * 3 }, (_, i) => i));
    for (const { payload } of frames.values()) expect(payload.byteLength % PAGE_BLOCK_BYTES).toBe(0);
  });

  it('takes a block as large as a message, and refuses a larger one when it starts', async () => {
    await open();
    const connection = await broker.connect();
    const options: NatsKvTransportOptions = {
      connection,
      role: 'decode',
      instance: '0000000c',
      kvFormat: KV_FORMAT,
      pageBlockBytes: connection.info!.max_payload - 2104,
      window: 8,
      timeoutMs: 1000,
      bootstrapTimeoutMs: 1000,
      publishBootstrap: () => {},
      onBadFrame: () => {},
    };
    new NatsKvTransport(options).close();
    expect(() => new NatsKvTransport({ ...options, pageBlockBytes: options.pageBlockBytes + 1 })).toThrow(
      /raise max_payload/,
    );
  });

  describe('on a link that', () => {
    it.each([0, 1, 5, 8])('loses message %i', async (index) => {
      await open();
      pair.kv.fault = drop(index);
      await new Transfer(pair, KvPages.filled(12)).openBoth().sendAll().arrives();
    });

    it('loses the first flight, and the last frame three times', async () => {
      await open();
      let lasts = 0;
      pair.kv.fault = (message, index) => (index < 9 || (decodeKvFrame(message).last && lasts++ < 3) ? [] : [message]);
      await new Transfer(pair, KvPages.filled(12)).openBoth().sendAll().arrives();
      expect(lasts).toBeGreaterThanOrEqual(4);
    });

    it('loses every fifth message both ways', async () => {
      await open();
      pair.kv.fault = pair.credits.fault = (message, index) => (index % 5 === 4 ? [] : [message]);
      await new Transfer(pair, KvPages.filled(20)).openBoth().sendAll().arrives();
      expect(pair.prefill.totals.framesResent).toBeGreaterThan(0);
    });

    it('loses every credit that says it is complete but the fourth', async () => {
      await open();
      let completes = 0;
      pair.credits.fault = (message) => (decodeCreditFrame(message).complete && ++completes < 4 ? [] : [message]);
      const transfer = new Transfer(pair, KvPages.filled(2)).openBoth().sendAll();
      await transfer.arrives();
      expect(completes).toBeGreaterThanOrEqual(4);
    });

    it('is slower than decode is patient: nothing is sent again', async () => {
      await open({ window: 2 });
      pair.kv.delayMs = 8 * PROBE_MS;
      await new Transfer(pair, KvPages.filled(6)).openBoth().sendAll().arrives();
      expect(pair.prefill.totals.framesResent).toBe(0);
    });

    it('duplicates everything', async () => {
      await open();
      pair.kv.fault = pair.credits.fault = duplicate;
      const transfer = new Transfer(pair, KvPages.filled(12)).openBoth().sendAll();
      await transfer.arrives();
      expect(pair.decode.totals.framesDuplicate).toBeGreaterThan(0);
      expect(transfer.receiver.bytesReceived).toBe(transfer.source.bytes.length);
    });

    it('reorders everything', async () => {
      await open();
      pair.kv.fault = pair.kv.reorder;
      pair.credits.fault = pair.credits.reorder;
      await new Transfer(pair, KvPages.filled(6)).openBoth().sendAll().arrives(30_000);
    });

    // Magic, type, sender, seq; rid, choice, attempt, flags, tokens, room; layers, tokens, checksum, bytes; payload.
    it.each([0, 3, 4, 8, 16, 32, 33, 34, 35, 36, 44, 46, 48, 52, 56, 60, 64, 5000])(
      'damages byte %i of a frame once',
      async (byte) => {
        await open();
        let left = 1;
        pair.kv.fault = (message) => (message.length > 10_000 && left-- > 0 ? [damaged(message, byte)] : [message]);
        await new Transfer(pair, KvPages.filled(6)).openBoth().sendAll().arrives();
      },
    );

    // The first token (64 to 67) and its finish (68) decide what decode goes on with.
    it.each([8, 34, 35, 44, 52, 56, 60, 64, 67, 68])('damages byte %i of the last frame once', async (byte) => {
      await open();
      let left = 1;
      const isLast = (message: Uint8Array): boolean => (message[34]! & 1) === 1;
      pair.kv.fault = (message) => (isLast(message) && left-- > 0 ? [damaged(message, byte)] : [message]);
      await new Transfer(pair, KvPages.filled(2)).openBoth().sendAll().arrives();
    });

    it('damages a whole flight of frames at once', async () => {
      await open();
      let left = 8;
      pair.kv.fault = (message) => (message.length > 10_000 && left-- > 0 ? [damaged(message, 5000)] : [message]);
      await new Transfer(pair, KvPages.filled(12)).openBoth().sendAll().arrives();
    });

    it.each([3, 4])('damages one frame %i times', async (times) => {
      await open();
      let left = times;
      const isThird = (message: Uint8Array): boolean => message.length > 10_000 && decodeKvFrame(message).seq === 2;
      pair.kv.fault = (message) => (isThird(message) && left-- > 0 ? [damaged(message, 5000)] : [message]);
      const transfer = new Transfer(pair, KvPages.filled(12)).openBoth().sendAll();
      if (times <= 3) return transfer.arrives();
      await transfer.heard('decode: kv_corrupt');
      expect(transfer.firstTokens).toBeUndefined();
      transfer.sender.close();
    });

    it('never lets one frame pass', async () => {
      await open({ timeoutMs: 400 });
      pair.kv.fault = (message) => (message.length > 10_000 && decodeKvFrame(message).seq === 2 ? [] : [message]);
      const transfer = new Transfer(pair, KvPages.filled(12)).openBoth().sendAll();
      await transfer.heard('decode: kv_timeout');
      await transfer.heard('prefill: kv_timeout');
    });

    it('carries what is no frame at all', async () => {
      await open();
      pair.kv.fault = (message) => [new Uint8Array(0), new Uint8Array(200).fill(7), message.slice(0, 40), message];
      await new Transfer(pair, KvPages.filled(2)).openBoth().sendAll().arrives();
      expect(pair.badFrames.length).toBeGreaterThanOrEqual(9);
    });

    it('goes down for a while', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(12)).openBoth();
      transfer.target.onWrite = () => {
        transfer.target.onWrite = () => {};
        void broker
          .down()
          .then(() => sleep(200))
          .then(() => broker.up());
      };
      transfer.sendAll();
      await transfer.arrives(30_000);
    });
  });

  it('goes on after an event that threw, and reports it', async () => {
    await open();
    const id = transferId();
    const source = KvPages.filled(1);
    pair.prefill.openSender({ ...id, peer: pair.decodeId }, source, {
      onOpen: () => {
        throw new Error('a bug');
      },
      onDone: () => {},
      onFailed: () => {},
    });
    const transfer = new Transfer(pair, source, id).openReceiver();
    await until('the bug is reported', () => pair.badFrames.length > 0);
    transfer.receiver.close();
    await new Transfer(pair, KvPages.filled(1)).openBoth().sendAll().arrives();
  });

  it('shares what may be on its way among the transfers that are open', async () => {
    await open({ maxInFlightBytes: 6 * FRAME_BYTES });
    const windows: number[] = [];
    const accept = pair.prefill.accept.bind(pair.prefill);
    pair.prefill.accept = (bootstrap) => {
      windows.push(bootstrap.window);
      accept(bootstrap);
    };
    const transfers = Array.from({ length: 8 }, (_, i) => new Transfer(pair, KvPages.filled(4, i + 1)).openBoth());
    for (const transfer of transfers) transfer.sendAll();
    await Promise.all(transfers.map((transfer) => transfer.arrives()));
    expect(windows.slice(0, 8)).toEqual([6, 6, 3, 2, 1, 1, 1, 1]);
  });

  it('forgets a bootstrap that no leg follows', async () => {
    await open();
    for (let i = 0; i < 2000; i++) {
      const bootstrap = {
        ...transferId(),
        decode: pair.decodeId,
        transports: ['nats'],
        kvFormat: KV_FORMAT,
        window: 8,
      };
      pair.prefill.accept(bootstrap);
    }
    expect(pair.prefill.open).toBe(0);
    await new Transfer(pair, KvPages.filled(1)).openBoth().sendAll().arrives();
  });

  it('refuses a decode that takes other transports only', async () => {
    await open();
    const id = transferId();
    const transfer = new Transfer(pair, KvPages.filled(1), id).openSender();
    pair.prefill.accept({ ...id, decode: pair.decodeId, transports: ['tcp', 'shm'], kvFormat: KV_FORMAT, window: 8 });
    await transfer.heard('prefill: kv_format_mismatch');
  });
});
