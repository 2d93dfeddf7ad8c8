import { FinishReason, type FailureCode, type FirstToken, type KvFormat } from '@sliceway/protocol';
import type { KvReceiver, KvSender, KvTransferId, KvTransport, WholeTransfer } from '@sliceway/service';
import { setTimeout as sleep } from 'node:timers/promises';
import { KV_FORMAT, KvPages } from './kv-pages.fixture.js';
import { until } from './until.fixture.js';

/** Both ends of a transport, as two processes have them. */
export interface TransportPair {
  readonly prefill: KvTransport;
  readonly decode: KvTransport;
  /** Peers, as legs name them. */
  readonly prefillId: string;
  readonly decodeId: string;
  stop(): Promise<void>;
}

export interface PairOptions {
  readonly decodeFormat?: KvFormat;
  readonly window?: number;
  readonly timeoutMs?: number;
}

export const FIRST_TOKENS: readonly FirstToken[] = [{ token: 42, finish: FinishReason.none }];

/** One transfer: its two ends, and what they said. */
export class Transfer {
  readonly target: KvPages;
  readonly said: string[] = [];
  firstTokens: readonly FirstToken[] | undefined;
  sender!: KvSender;
  receiver!: KvReceiver;

  constructor(
    private readonly pair: TransportPair,
    readonly source: KvPages,
    private readonly id: Omit<KvTransferId, 'peer'> = transferId(),
  ) {
    this.target = new KvPages(source.pages);
  }

  openSender(): this {
    this.sender = this.pair.prefill.openSender({ ...this.id, peer: this.pair.decodeId }, this.source, {
      onOpen: () => this.said.push('open'),
      onDone: () => this.said.push('done'),
      onFailed: (code, message) => this.#failed('prefill', code, message),
    });
    return this;
  }

  openReceiver(): this {
    this.receiver = this.pair.decode.openReceiver({ ...this.id, peer: this.pair.prefillId }, this.target, {
      onComplete: (firstTokens) => {
        this.firstTokens = firstTokens;
        this.said.push('complete');
      },
      onFailed: (code, message) => this.#failed('decode', code, message),
    });
    return this;
  }

  openBoth(): this {
    return this.openSender().openReceiver();
  }

  /** Pushes all pages in chunks of some, as prefill computes them. */
  sendAll(pagesPerChunk = 4): this {
    const { pages } = this.source;
    for (let page = 0; page < pages; page += pagesPerChunk) {
      this.sender.push(this.source.segment(page, Math.min(page + pagesPerChunk, pages)));
    }
    this.sender.finish(FIRST_TOKENS);
    return this;
  }

  async heard(what: string, timeoutMs?: number): Promise<void> {
    await until(`the transfer says ${what}, beside ${this.said.join(', ')}`, () => this.said.includes(what), timeoutMs);
  }

  /** Whole, equal, and over at both ends. */
  async arrives(timeoutMs?: number): Promise<void> {
    await this.heard('done', timeoutMs);
    expect(this.said).toEqual(['open', 'complete', 'done']);
    expect(this.firstTokens).toEqual(FIRST_TOKENS);
    expect(Buffer.compare(this.target.bytes, this.source.bytes)).toBe(0);
  }

  #failed(side: string, code: FailureCode, message: string): void {
    expect(message).not.toBe('');
    this.said.push(`${side}: ${code}`);
  }
}

let transfers = 0;
export function transferId(over: Partial<KvTransferId> = {}): Omit<KvTransferId, 'peer'> {
  const number = (++transfers).toString(16);
  return { rid: number.padStart(32, '0'), choice: 0, attempt: 0, room: number.padStart(16, '0'), ...over };
}

/** What every `KvTransport` does, on a link without faults. */
export function kvTransportCases(name: string, openPair: (options?: PairOptions) => Promise<TransportPair>): void {
  describe(`${name}, as any KV transport`, () => {
    let pair: TransportPair;
    const open = async (options?: PairOptions): Promise<TransportPair> => (pair = await openPair(options));

    afterEach(async () => {
      await pair.stop();
      expect(pair.prefill.open + pair.decode.open).toBe(0);
    });

    it('carries all pages and the first tokens, and counts the bytes', async () => {
      await open();
      const whole: (WholeTransfer & { readonly end: string })[] = [];
      for (const end of ['prefill', 'decode'] as const) pair[end].onWhole = (each) => whole.push({ end, ...each });
      const startedMs = performance.now();
      const transfer = new Transfer(pair, KvPages.filled(9)).openBoth().sendAll();
      await transfer.arrives();
      const tookMs = performance.now() - startedMs;
      const bytes = transfer.source.bytes.length;
      expect(whole.map(({ end }) => end).sort()).toEqual(['decode', 'prefill']);
      for (const each of whole) {
        expect(each.bytes).toBe(bytes);
        expect(each.durationMs).toBeGreaterThan(0);
        expect(each.durationMs).toBeLessThanOrEqual(tookMs);
        if (each.end === 'decode') expect(each.overlap).toBeNull();
        else expect(each.overlap).toBeGreaterThan(0);
        expect(each.overlap ?? 0).toBeLessThanOrEqual(1);
      }
      expect(transfer.sender.bytesSent).toBe(transfer.source.bytes.length);
      expect(transfer.receiver.bytesReceived).toBe(transfer.source.bytes.length);
      expect(pair.prefill.open + pair.decode.open).toBe(0);
    });

    it('opens when decode has its pages, whichever leg comes first', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(1)).openReceiver();
      await sleep(30);
      transfer.openSender();
      expect(transfer.said).toEqual([]);
      await transfer.heard('open');
      transfer.sendAll();
      await transfer.arrives();
    });

    it('sends while later pages are still computed', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(8)).openBoth();
      await transfer.heard('open');
      transfer.sender.push(transfer.source.segment(0, 4));
      await until(
        'the first chunk is there',
        () => transfer.receiver.bytesReceived === transfer.source.bytes.length / 2,
      );
      expect(transfer.said).toEqual(['open']);
      transfer.sender.push(transfer.source.segment(4, 8));
      transfer.sender.finish(FIRST_TOKENS);
      await transfer.arrives();
    });

    it('takes what is pushed before it opens', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(3)).openSender().sendAll();
      expect(transfer.sender.bytesSent).toBe(0);
      await transfer.openReceiver().arrives();
    });

    it('carries the tail of a prompt that ends inside a page', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(2)).openBoth();
      transfer.sender.push({ ...transfer.source.segment(0, 2), tokenTo: 17 });
      transfer.sender.finish(FIRST_TOKENS);
      await transfer.arrives();
    });

    it('carries the first tokens of several choices, and those that end at once', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(1)).openBoth();
      transfer.sender.push(transfer.source.segment(0, 1));
      const firstTokens = Array.from({ length: 255 }, (_, i) => ({
        token: i,
        finish: i % 2 ? FinishReason.stop : FinishReason.none,
      }));
      transfer.sender.finish(firstTokens);
      await transfer.heard('done');
      expect(transfer.firstTokens).toEqual(firstTokens);
    });

    it('keeps transfers apart: requests, choices, attempts, rooms', async () => {
      await open();
      const same = transferId();
      const ids = [
        same,
        { ...same, choice: 1 },
        { ...same, attempt: 1 },
        { ...same, room: 'ffffffffffffffff' },
        transferId(),
      ];
      const all = ids.map((id, i) => new Transfer(pair, KvPages.filled(5, i + 2), id).openBoth());
      for (const transfer of all) transfer.sendAll(2);
      await Promise.all(all.map((transfer) => transfer.arrives()));
    });

    it('never has more on its way than the window, however slowly decode takes it', async () => {
      await open({ window: 3 });
      const transfer = new Transfer(pair, KvPages.filled(12)).openBoth();
      const inFlight: number[] = [];
      const largest = { bytes: 0 };
      transfer.target.onWrite = ({ layerFrom, layerTo, tokenFrom, tokenTo }) => {
        const bytes = (layerTo - layerFrom) * Math.ceil((tokenTo - tokenFrom) / 16) * 100_000;
        largest.bytes = Math.max(largest.bytes, bytes);
        inFlight.push(transfer.sender.bytesSent - transfer.receiver.bytesReceived);
        const untilMs = performance.now() + 5;
        while (performance.now() < untilMs);
      };
      transfer.sendAll();
      await transfer.arrives();
      expect(inFlight.length).toBeGreaterThan(6);
      expect(Math.max(...inFlight)).toBeLessThanOrEqual(3 * largest.bytes);
    });

    it.each([
      ['engine', { ...KV_FORMAT, engine: 'other' }],
      ['dtype', { ...KV_FORMAT, dtype: 'f16' as const }],
      ['pageTokens', { ...KV_FORMAT, pageTokens: 32 }],
      ['layers', { ...KV_FORMAT, layers: [0, 3] as const }],
      ['kvHeads', { ...KV_FORMAT, kvHeads: [1, 2] as const }],
      ['headDim', { ...KV_FORMAT, headDim: 32 }],
      ['layout', { ...KV_FORMAT, layout: 'another' }],
      ['fingerprint', { ...KV_FORMAT, fingerprint: 'beef' }],
    ])('refuses another %s', async (_field, decodeFormat) => {
      await open({ decodeFormat });
      const transfer = new Transfer(pair, KvPages.filled(1)).openBoth();
      await transfer.heard('prefill: kv_format_mismatch');
      expect(transfer.said).toEqual(['prefill: kv_format_mismatch']);
      transfer.receiver.close();
    });

    it('says nothing after it was closed', async () => {
      await open({ timeoutMs: 500 });
      const transfer = new Transfer(pair, KvPages.filled(40)).openBoth().sendAll();
      transfer.target.onWrite = () => {
        transfer.sender.close();
        transfer.receiver.close();
      };
      await until('both are closed', () => pair.prefill.open + pair.decode.open === 0);
      await sleep(700);
      expect(transfer.said).toEqual(['open']);
      transfer.sender.push(transfer.source.segment(0, 1));
      transfer.sender.finish(FIRST_TOKENS);
    });

    it('fails when its partner never comes', async () => {
      await open({ timeoutMs: 150 });
      const left = new Transfer(pair, KvPages.filled(1)).openSender();
      const right = new Transfer(pair, KvPages.filled(1)).openReceiver();
      await left.heard('prefill: bootstrap_timeout');
      await right.heard('decode: bootstrap_timeout');
    });

    it('fails when its partner goes away midway', async () => {
      await open({ timeoutMs: 600 });
      const left = new Transfer(pair, KvPages.filled(8)).openBoth();
      const right = new Transfer(pair, KvPages.filled(8)).openBoth();
      await Promise.all([left.heard('open'), right.heard('open')]);
      left.sender.push(left.source.segment(0, 8));
      left.receiver.close();
      right.sender.push(right.source.segment(0, 1));
      await until('something arrived', () => right.receiver.bytesReceived > 0);
      right.sender.close();
      await left.heard('prefill: kv_timeout');
      await right.heard('decode: kv_timeout');
    });

    it('waits for a prompt that computes longer than the timeout, as long as its worker lives', async () => {
      await open({ timeoutMs: 600 });
      const transfer = new Transfer(pair, KvPages.filled(2)).openBoth();
      await sleep(1500);
      transfer.sender.push(transfer.source.segment(0, 1));
      await sleep(1500);
      expect(transfer.said).toEqual(['open']);
      transfer.sender.push(transfer.source.segment(1, 2));
      transfer.sender.finish(FIRST_TOKENS);
      await transfer.arrives();
    });

    it('fails when the pages are gone at either end', async () => {
      await open();
      const left = new Transfer(pair, KvPages.filled(1)).openBoth();
      left.source.isGone = true;
      left.sendAll();
      await left.heard('prefill: engine_error');
      left.receiver.close();
      const right = new Transfer(pair, KvPages.filled(1)).openBoth();
      right.target.isGone = true;
      right.sendAll();
      await right.heard('decode: engine_error');
      right.sender.close();
    });

    it('fails when decode cannot take what came', async () => {
      await open();
      const transfer = new Transfer(pair, KvPages.filled(1)).openBoth();
      transfer.target.onWrite = () => {
        throw new RangeError('no such page');
      };
      transfer.sendAll();
      await transfer.heard('decode: bad_message');
      transfer.sender.close();
    });
  });
}
