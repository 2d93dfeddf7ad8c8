import { jest } from '@jest/globals';
import { encodeKvFrame, decodeKvFrame, type KvFrame } from '@sliceway/protocol';
import { kvChecksum } from './kv-checksum.js';
import type { KvSegment } from './kv-transport.js';
import { ReceiverTransfer } from './receiver-transfer.js';
import {
  blockOf,
  BLOCK_BYTES,
  bootstrap,
  damagedFrame,
  dataFrame,
  DECODE,
  FIRST_TOKENS,
  HandReceiverWire,
  keepAliveFrame,
  lastFrame,
  optionsOf,
  PROBE_MS,
  RECEIVER_ID,
  TIMEOUT_MS,
} from './transfer.fixture.js';

const plain = { resend: false, complete: false };
const resend = { resend: true, complete: false };

describe('ReceiverTransfer', () => {
  let wire: HandReceiverWire;
  let said: string[];
  let written: [layer: number, bytes: Uint8Array][];
  let write: (segment: KvSegment, payload: Uint8Array) => boolean;
  let receiver: ReceiverTransfer;

  const openReceiver = (): void => {
    receiver = new ReceiverTransfer(
      RECEIVER_ID,
      { write: (segment, payload) => write(segment, payload) },
      {
        onComplete: (firstTokens) => said.push(`complete: ${firstTokens.map(({ token }) => token).join()}`),
        onFailed: (code, message) => said.push(`${code}: ${message}`),
      },
      wire,
      optionsOf(DECODE),
    );
  };

  beforeEach(() => {
    jest.useFakeTimers();
    wire = new HandReceiverWire();
    said = [];
    written = [];
    write = ({ layerFrom }, payload) => {
      written.push([layerFrom, payload.slice()]);
      return true;
    };
    openReceiver();
  });

  /** However a transfer ends, it ends once and leaves no timer. */
  afterEach(() => {
    receiver.close();
    expect(wire.closed).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const feed = (...frames: KvFrame[]): void => frames.forEach((frame) => receiver.onFrame(frame));
  const writtenLayers = (): number[] => written.map(([index]) => index);

  describe('the bootstrap', () => {
    it('goes out at once and every probe interval until the first frame', () => {
      expect(wire.bootstraps).toEqual([bootstrap()]);
      jest.advanceTimersByTime(2 * PROBE_MS);
      expect(wire.bootstraps).toEqual([bootstrap(), bootstrap(), bootstrap()]);
      feed(keepAliveFrame(0));
      jest.advanceTimersByTime(5 * PROBE_MS);
      expect(wire.bootstraps.length).toBe(3);
    });

    it('fails when nothing answers it', () => {
      jest.advanceTimersByTime(TIMEOUT_MS - PROBE_MS);
      expect(said).toEqual([]);
      jest.advanceTimersByTime(PROBE_MS);
      expect(said).toEqual([`bootstrap_timeout: prefill 0000000a did not answer within ${TIMEOUT_MS} ms`]);
    });
  });

  describe('frames in order', () => {
    it('are written, and raise the limit whenever half of the window is used up', () => {
      feed(dataFrame(0));
      expect(wire.take()).toEqual([]);
      feed(dataFrame(1));
      expect(wire.take()).toEqual([{ nextSeq: 2, limit: 6, ...plain }]);
      feed(dataFrame(2), dataFrame(3));
      expect(wire.take()).toEqual([{ nextSeq: 4, limit: 8, ...plain }]);
      expect(written).toEqual([0, 1, 2, 3].map((index) => [index, blockOf(index)]));
      expect(receiver.bytesReceived).toBe(4 * BLOCK_BYTES);
    });

    it('never have a limit more than a window ahead of what was taken', () => {
      for (let seq = 0; seq < 50; seq++) {
        feed(dataFrame(seq));
        for (const { nextSeq, limit } of wire.take()) expect(limit - nextSeq).toBeLessThanOrEqual(4);
      }
    });

    it('are credited one by one in a window of one', () => {
      receiver.close();
      wire = new HandReceiverWire();
      wire.frames = 1;
      openReceiver();
      feed(dataFrame(0));
      expect(wire.take()).toEqual([{ nextSeq: 1, limit: 2, ...plain }]);
    });

    it('get smaller credits when the share shrinks, but keep what was granted', () => {
      wire.frames = 1;
      feed(dataFrame(0), dataFrame(1), dataFrame(2));
      expect(wire.take()).toEqual([]);
      feed(dataFrame(3));
      expect(wire.take()).toEqual([{ nextSeq: 4, limit: 5, ...plain }]);
    });

    it('end with complete, which is remembered for a prefill that missed it', () => {
      feed(dataFrame(0), lastFrame(1));
      expect(said).toEqual(['complete: 42']);
      expect(wire.take()).toMatchObject([{ nextSeq: 2, complete: true }]);
      expect(wire.remembered).toMatchObject([{ nextSeq: 2, complete: true }]);
    });
  });

  describe('a fault', () => {
    it('of a frame twice: drops the copy', () => {
      feed(dataFrame(0), dataFrame(0), dataFrame(1), dataFrame(0));
      expect(writtenLayers()).toEqual([0, 1]);
      expect(wire.totals).toMatchObject({ framesReceived: 4, framesDuplicate: 2, bytesReceived: 2 * BLOCK_BYTES });
    });

    it('of a gap: asks once for the missing frame, and writes nothing behind it', () => {
      feed(dataFrame(0), dataFrame(2), dataFrame(3));
      expect(wire.take()).toEqual([{ nextSeq: 1, limit: 5, ...resend }]);
      expect(writtenLayers()).toEqual([0]);
      feed(dataFrame(1), dataFrame(2), dataFrame(3));
      expect(writtenLayers()).toEqual([0, 1, 2, 3]);
    });

    it('of a gap before the end: does not complete', () => {
      feed(dataFrame(0), lastFrame(2));
      expect(said).toEqual([]);
      feed(dataFrame(1), lastFrame(2));
      expect(said).toEqual(['complete: 42']);
    });

    it('of a lost request for a frame: asks prefill how far it is, and for the frame when it knows', () => {
      feed(dataFrame(1));
      wire.take();
      jest.advanceTimersByTime(PROBE_MS - 1);
      expect(wire.take()).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(wire.take()).toEqual([{ nextSeq: 0, limit: 4, ...plain }]);
      feed(keepAliveFrame(2));
      expect(wire.take()).toEqual([{ nextSeq: 0, limit: 4, ...resend }]);
    });

    it('of a frame that never comes while others do: fails', () => {
      for (let i = 0; i <= TIMEOUT_MS / PROBE_MS; i++) {
        feed(dataFrame(1));
        jest.advanceTimersByTime(PROBE_MS);
      }
      expect(said).toEqual([`kv_timeout: KV frame 0 did not come within ${TIMEOUT_MS} ms`]);
    });

    it('of damage: asks three times, then fails', () => {
      feed(damagedFrame(0), damagedFrame(0), damagedFrame(0));
      expect(wire.take()).toEqual(Array(3).fill({ nextSeq: 0, limit: 4, ...resend }));
      expect(said).toEqual([]);
      feed(damagedFrame(0));
      expect(said).toEqual(['kv_corrupt: KV frame 0 came damaged 4 times']);
      expect(written).toEqual([]);
    });

    it('of damage to several frames: counts for each anew', () => {
      for (let seq = 0; seq < 3; seq++) feed(...Array<KvFrame>(3).fill(damagedFrame(seq)), dataFrame(seq));
      expect(said).toEqual([]);
      expect(writtenLayers()).toEqual([0, 1, 2]);
    });

    it('of damage to a frame behind a gap: waits for its turn', () => {
      feed(dataFrame(1), ...Array<KvFrame>(9).fill(damagedFrame(2)));
      expect(said).toEqual([]);
      expect(wire.take().length).toBe(1);
    });

    it.each<[string, (frame: KvFrame) => KvFrame]>([
      ['seq', (frame) => ({ ...frame, seq: 1 })],
      ['layers', (frame) => ({ ...frame, layerFrom: 1, layerTo: 2 })],
      ['tokens', (frame) => ({ ...frame, tokenFrom: 16, tokenTo: 32 })],
      ['last', (frame) => ({ ...frame, last: true })],
      ['first tokens', (frame) => ({ ...frame, firstTokens: FIRST_TOKENS })],
    ])('of damage to its %s: the checksum does not hold', (_field, damage) => {
      feed(damage(dataFrame(0)));
      expect([wire.totals.framesDamaged, written, said]).toEqual([1, [], []]);
    });

    it('of a token bit in the last frame: does not complete', () => {
      feed(dataFrame(0), { ...lastFrame(1), firstTokens: [{ token: 43, finish: 0 }] });
      expect(said).toEqual([]);
    });
  });

  describe('silence', () => {
    it('is asked about every probe interval, and fails at the timeout', () => {
      feed(dataFrame(0));
      jest.advanceTimersByTime(2 * PROBE_MS);
      expect(wire.take()).toEqual(Array(2).fill({ nextSeq: 1, limit: 5, ...plain }));
      jest.advanceTimersByTime(TIMEOUT_MS - 3 * PROBE_MS);
      expect(said).toEqual([]);
      jest.advanceTimersByTime(PROBE_MS);
      expect(said).toEqual([`kv_timeout: prefill 0000000a was silent for ${TIMEOUT_MS} ms`]);
    });

    it('is not a prefill that answers while it computes', () => {
      feed(dataFrame(0));
      for (let i = 0; i < 100; i++) {
        jest.advanceTimersByTime(PROBE_MS);
        feed(keepAliveFrame(1));
      }
      expect(said).toEqual([]);
    });

    it('ends with an empty frame that tells of a lost one', () => {
      feed(dataFrame(0), keepAliveFrame(3));
      expect(wire.take()).toEqual([{ nextSeq: 1, limit: 5, ...resend }]);
    });
  });

  describe('what cannot be taken', () => {
    const misfit = (over: Partial<KvFrame>): KvFrame => {
      const frame = { ...dataFrame(0), ...over };
      return decodeKvFrame(encodeKvFrame({ ...frame, crc32: kvChecksum(frame, [frame.payload]) }, [frame.payload]));
    };

    it.each<[string, KvFrame]>([
      ['bytes that are no whole blocks', misfit({ payload: new Uint8Array(BLOCK_BYTES - 1) })],
      ['more pages than its bytes', misfit({ tokenTo: 17 })],
      ['layers outside the format', misfit({ layerFrom: 100, layerTo: 101 })],
      ['a range that starts inside a page', misfit({ tokenFrom: 1, tokenTo: 16 })],
    ])('fails with bad_message: %s', (_what, frame) => {
      feed(frame);
      expect(said).toEqual([expect.stringMatching(/^bad_message: KV frame 0 /)]);
      expect(written).toEqual([]);
    });

    it.each<[string, KvFrame]>([
      ['without first tokens', lastFrame(0, [])],
      ['with pages', misfit({ last: true, firstTokens: FIRST_TOKENS })],
    ])('fails with bad_message: a last frame %s', (_what, frame) => {
      feed(frame);
      expect(said).toEqual(['bad_message: the last KV frame has to carry first tokens and nothing else']);
    });

    it('fails when the request is gone', () => {
      write = () => false;
      feed(dataFrame(0), dataFrame(1));
      expect(said).toEqual(['engine_error: the pages reserved for this KV are gone']);
    });

    it('fails with what the sink throws', () => {
      write = () => {
        throw new RangeError('no such page');
      };
      feed(dataFrame(0));
      expect(said).toEqual(['bad_message: KV frame 0: no such page']);
    });
  });

  it('says and asks nothing after close', () => {
    feed(dataFrame(0));
    receiver.close();
    feed(dataFrame(1), lastFrame(2));
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect([wire.take(), said, writtenLayers()]).toEqual([[], [], [0]]);
  });
});
