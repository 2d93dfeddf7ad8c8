import { jest } from '@jest/globals';
import type { Bootstrap, KvFormat } from '@sliceway/protocol';
import type { KvSegment } from './kv-transport.js';
import { SenderTransfer } from './sender-transfer.js';
import {
  blockOf,
  BLOCK_BYTES,
  bootstrap,
  credit,
  FIRST_TOKENS,
  HandSenderWire,
  KV_FORMAT,
  layer,
  optionsOf,
  PREFILL,
  PROBE_MS,
  SENDER_ID,
  TIMEOUT_MS,
} from './transfer.fixture.js';

describe('SenderTransfer', () => {
  let wire: HandSenderWire;
  let said: string[];
  let read: (segment: KvSegment) => readonly Uint8Array[] | undefined;
  let sender: SenderTransfer;

  beforeEach(() => {
    jest.useFakeTimers();
    wire = new HandSenderWire();
    said = [];
    read = ({ layerFrom }) => [blockOf(layerFrom)];
    sender = new SenderTransfer(
      SENDER_ID,
      { read: (segment) => read(segment) },
      {
        onOpen: () => said.push('open'),
        onDone: () => said.push('done'),
        onFailed: (code, message) => said.push(`${code}: ${message}`),
      },
      wire,
      optionsOf(PREFILL),
    );
  });

  /** However a transfer ends, it ends once and leaves no timer. */
  afterEach(() => {
    sender.close();
    expect(wire.closed).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const push = (from: number, to: number): void => {
    for (let i = from; i < to; i++) sender.push(layer(i));
  };
  /** Opened with a window of four, and the greeting put aside. */
  const open = (over?: Partial<Bootstrap>): void => {
    sender.onBootstrap(bootstrap(over));
    wire.take();
  };

  describe('opening', () => {
    it('waits as long as decode says that it waits for pages, and not longer', () => {
      for (let waited = 0; waited < 3 * TIMEOUT_MS; waited += PROBE_MS) {
        sender.onBootstrap(bootstrap({ window: 0 }));
        jest.advanceTimersByTime(PROBE_MS);
      }
      expect([said, wire.take()]).toEqual([[], []]);
      jest.advanceTimersByTime(TIMEOUT_MS + PROBE_MS);
      expect(said).toEqual([expect.stringMatching(/^bootstrap_timeout: nothing was heard of decode/)]);
    });

    it('refuses another KV format while decode still waits for pages', () => {
      sender.onBootstrap(bootstrap({ window: 0, kvFormat: { ...KV_FORMAT, headDim: 8 } }));
      expect(said).toEqual([expect.stringMatching(/^kv_format_mismatch/)]);
    });

    it('sends nothing before the bootstrap, then greets and sends what was pushed', () => {
      push(0, 2);
      expect(wire.take()).toEqual([]);
      sender.onBootstrap(bootstrap());
      const [greeting, ...frames] = wire.take();
      expect(greeting).toMatchObject({ seq: 0, last: false, payload: new Uint8Array(0) });
      expect(frames.map(({ seq, payload }) => [seq, payload])).toEqual([
        [0, blockOf(0)],
        [1, blockOf(1)],
      ]);
      expect(said).toEqual(['open']);
    });

    it('answers a repeated bootstrap, and opens once', () => {
      open();
      push(0, 2);
      wire.take();
      sender.onBootstrap(bootstrap({ window: 100 }));
      expect(wire.take()).toMatchObject([{ seq: 2, last: false, firstTokens: [] }]);
      expect(said).toEqual(['open']);
      push(2, 9);
      expect(wire.takeSeqs()).toEqual([2, 3]);
    });

    it('counts chunks once, and knows when decode has one', () => {
      open();
      push(0, 2);
      sender.finish(FIRST_TOKENS);
      expect([sender.chunksSent, sender.framesSent, sender.isAcknowledged]).toEqual([2, 3, false]);
      sender.onCredit(credit(0, 9, { resend: true }));
      expect([sender.chunksSent, sender.framesSent, sender.isAcknowledged]).toEqual([2, 6, false]);
      sender.onCredit(credit(1, 9));
      expect(sender.isAcknowledged).toBe(true);
    });

    it('does not listen to another decode', () => {
      sender.onBootstrap(bootstrap({ decode: '0000000c' }));
      expect(said).toEqual([]);
    });

    it.each<[keyof KvFormat, Partial<KvFormat>, string]>([
      ['layers', { layers: [0, 99] }, 'layers of the KV is 0,100 in prefill, 0,99 in decode'],
      ['fingerprint', { fingerprint: 'beef' }, 'fingerprint of the KV is f00d in prefill, beef in decode'],
    ])('refuses another %s by name', (_field, over, message) => {
      open({ kvFormat: { ...KV_FORMAT, ...over } });
      expect(said).toEqual([`kv_format_mismatch: ${message}`]);
    });

    it('refuses a decode that has no transport in common', () => {
      open({ transports: ['shm', 'tcp'] });
      expect(said).toEqual(['kv_format_mismatch: decode takes shm, tcp; prefill sends by hand']);
    });

    it('takes one common transport among several', () => {
      open({ transports: ['shm', 'hand'] });
      expect(said).toEqual(['open']);
    });

    it('fails without a bootstrap at its timeout, not before', () => {
      jest.advanceTimersByTime(TIMEOUT_MS - PROBE_MS);
      expect(said).toEqual([]);
      jest.advanceTimersByTime(PROBE_MS);
      expect(said).toEqual([`bootstrap_timeout: nothing was heard of decode 0000000b within ${TIMEOUT_MS} ms`]);
    });
  });

  describe('sending', () => {
    it('sends below the limit only', () => {
      open();
      push(0, 9);
      expect(wire.takeSeqs()).toEqual([0, 1, 2, 3]);
      sender.onCredit(credit(2, 6));
      expect(wire.takeSeqs()).toEqual([4, 5]);
      sender.onCredit(credit(3, 6));
      expect(wire.takeSeqs()).toEqual([]);
    });

    it('never lowers its limit', () => {
      open();
      push(0, 2);
      sender.onCredit(credit(1, 3));
      wire.take();
      push(2, 9);
      expect(wire.takeSeqs()).toEqual([2, 3]);
    });

    it('splits a segment into frames of whole page blocks', () => {
      wire.maxPayloadBytes = 3 * BLOCK_BYTES - 1;
      open();
      sender.push({ layerFrom: 0, layerTo: 3, tokenFrom: 0, tokenTo: 16 });
      expect(wire.take().map(({ seq, layerFrom, layerTo }) => [seq, layerFrom, layerTo])).toEqual([
        [0, 0, 2],
        [1, 2, 3],
      ]);
    });

    it('ends with an empty frame that carries the first tokens, and is done when that is acknowledged', () => {
      open();
      push(0, 2);
      sender.finish(FIRST_TOKENS);
      expect(wire.take().map(({ seq, last, firstTokens }) => [seq, last, firstTokens])).toEqual([
        [0, false, []],
        [1, false, []],
        [2, true, FIRST_TOKENS],
      ]);
      sender.onCredit(credit(3, 7, { complete: true }));
      expect(said).toEqual(['open', 'done']);
    });

    it('keeps the last frame back until there is credit for it', () => {
      open();
      push(0, 4);
      sender.finish(FIRST_TOKENS);
      expect(wire.take().map(({ last }) => last)).toEqual([false, false, false, false]);
      sender.onCredit(credit(2, 6));
      expect(wire.take()).toMatchObject([{ seq: 4, last: true }]);
    });

    it('counts bytes pushed, and bytes sent without repeats', () => {
      push(0, 6);
      expect([sender.bytesQueued, sender.bytesSent, sender.framesSent]).toEqual([6 * BLOCK_BYTES, 0, 0]);
      open();
      expect([sender.bytesQueued, sender.bytesSent, sender.framesSent]).toEqual([6 * BLOCK_BYTES, 4 * BLOCK_BYTES, 4]);
      sender.onCredit(credit(1, 5, { resend: true }));
      expect([sender.bytesSent, sender.framesSent]).toEqual([5 * BLOCK_BYTES, 8]);
      expect(wire.totals).toMatchObject({ framesSent: 8, framesResent: 3, bytesSent: 5 * BLOCK_BYTES });
    });
  });

  describe('credits', () => {
    it('goes back to the frame that is asked for, and reads it again', () => {
      open();
      push(0, 4);
      wire.take();
      sender.onCredit(credit(1, 5, { resend: true }));
      const again = wire.take();
      expect(again.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(again[0]!.payload).toEqual(blockOf(1));
    });

    it('answers one that says nothing new with an empty frame, and sends nothing again', () => {
      open();
      push(0, 2);
      sender.onCredit(credit(1, 5));
      wire.take();
      sender.onCredit(credit(1, 5));
      expect(wire.take()).toMatchObject([{ seq: 2, last: false, payload: new Uint8Array(0) }]);
    });

    it('drops an overtaken credit', () => {
      open();
      push(0, 4);
      wire.take();
      const overtaken = credit(0, 4, { resend: true });
      sender.onCredit(credit(4, 8));
      sender.onCredit(overtaken);
      expect(wire.take()).toEqual([]);
    });

    it('drops a credit for frames that were never sent', () => {
      open();
      push(0, 9);
      wire.take();
      sender.onCredit(credit(5, 100));
      expect(wire.take()).toEqual([]);
      sender.onCredit(credit(4, 5));
      expect(wire.takeSeqs()).toEqual([4]);
    });

    it('drops a credit before the bootstrap', () => {
      push(0, 2);
      sender.onCredit(credit(0, 4));
      expect(wire.take()).toEqual([]);
    });

    it.each([
      ['before the end was sent', 2, false],
      ['that leaves the end out', 2, true],
    ])('does not believe a complete %s', (_what, nextSeq, finished) => {
      open();
      push(0, 2);
      if (finished) sender.finish(FIRST_TOKENS);
      sender.onCredit(credit(nextSeq, 9, { complete: true }));
      expect(said).toEqual(['open']);
      if (!finished) sender.finish(FIRST_TOKENS);
      sender.onCredit(credit(3, 9, { complete: true }));
      expect(said).toEqual(['open', 'done']);
    });
  });

  describe('silence', () => {
    it('asks every probe interval while frames are not acknowledged, then gives up', () => {
      open();
      push(0, 2);
      wire.take();
      jest.advanceTimersByTime(PROBE_MS);
      expect(wire.take()).toMatchObject([{ seq: 2, payload: new Uint8Array(0) }]);
      jest.advanceTimersByTime(3 * PROBE_MS);
      expect(wire.takeSeqs()).toEqual([2, 2, 2]);
      jest.advanceTimersByTime(TIMEOUT_MS);
      expect(said).toEqual(['open', `kv_timeout: decode 0000000b was silent for ${TIMEOUT_MS} ms`]);
    });

    it('waits without end for a prompt that is still computed', () => {
      open();
      push(0, 2);
      sender.onCredit(credit(2, 6));
      wire.take();
      jest.advanceTimersByTime(10 * TIMEOUT_MS);
      expect(wire.take()).toEqual([]);
      push(2, 3);
      jest.advanceTimersByTime(TIMEOUT_MS - PROBE_MS);
      expect(said).toEqual(['open']);
      jest.advanceTimersByTime(2 * PROBE_MS);
      expect(said[1]).toMatch(/^kv_timeout/);
    });
  });

  describe('the end', () => {
    it('fails when the pages are gone', () => {
      open();
      read = () => undefined;
      push(0, 3);
      expect(said).toEqual(['open', 'engine_error: the pages of this prompt are gone']);
      expect(wire.take()).toEqual([]);
    });

    it('fails with what the source throws', () => {
      open();
      read = () => {
        throw new RangeError('no such page');
      };
      expect(() => push(0, 3)).not.toThrow();
      expect(said).toEqual(['open', 'engine_error: KV frame 0: no such page']);
    });

    it('leaves out what it had to say when its owner closes it first', () => {
      wire.heldBack = [];
      open();
      read = () => undefined;
      push(0, 1);
      sender.close();
      expect(wire.heldBack.length).toBe(2);
      for (const event of wire.heldBack) event();
      expect(said).toEqual([]);
    });

    it('says and sends nothing after close', () => {
      open();
      push(0, 2);
      sender.close();
      wire.take();
      push(2, 4);
      sender.finish(FIRST_TOKENS);
      sender.onBootstrap(bootstrap());
      sender.onCredit(credit(0, 9, { resend: true }));
      jest.advanceTimersByTime(2 * TIMEOUT_MS);
      expect(wire.take()).toEqual([]);
      expect(said).toEqual(['open']);
    });
  });
});
