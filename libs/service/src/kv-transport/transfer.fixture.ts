import {
  decodeCreditFrame,
  decodeKvFrame,
  encodeKvFrame,
  type Bootstrap,
  type CreditFrame,
  type FirstToken,
  type KvFormat,
  type KvFrame,
  type KvFrameHead,
} from '@sliceway/protocol';
import { kvChecksum } from './kv-checksum.js';
import type { KvSegment, KvTotals, KvTransferId } from './kv-transport.js';
import type { ReceiverWire } from './receiver-transfer.js';
import type { SenderWire } from './sender-transfer.js';
import type { TransferOptions, TransferWire } from './transfer-options.js';

export const BLOCK_BYTES = 8;
export const PROBE_MS = 1000;
export const TIMEOUT_MS = 30_000;
export const PREFILL = '0000000a';
export const DECODE = '0000000b';
export const KEY = { rid: 'ab'.repeat(16), choice: 1, attempt: 2, room: 'cd'.repeat(8) };
export const SENDER_ID: KvTransferId = { ...KEY, peer: DECODE };
export const RECEIVER_ID: KvTransferId = { ...KEY, peer: PREFILL };
export const FIRST_TOKENS: readonly FirstToken[] = [{ token: 42, finish: 0 }];

export const KV_FORMAT: KvFormat = {
  engine: 'test',
  dtype: 'f32',
  pageTokens: 16,
  layers: [0, 100],
  kvHeads: [0, 2],
  headDim: 64,
  layout: 'opaque',
  fingerprint: 'f00d',
};

export const optionsOf = (instance: string): TransferOptions => ({
  instance,
  kvFormat: KV_FORMAT,
  pageBlockBytes: BLOCK_BYTES,
  timeoutMs: TIMEOUT_MS,
  bootstrapTimeoutMs: TIMEOUT_MS,
  probeMs: PROBE_MS,
});

export const bootstrap = (over: Partial<Bootstrap> = {}): Bootstrap => ({
  ...KEY,
  decode: DECODE,
  transports: ['hand'],
  kvFormat: KV_FORMAT,
  window: 4,
  ...over,
});

/** One layer of the first page: a frame's worth. */
export const layer = (index: number): KvSegment => ({
  layerFrom: index,
  layerTo: index + 1,
  tokenFrom: 0,
  tokenTo: KV_FORMAT.pageTokens,
});

export const blockOf = (index: number): Uint8Array => new Uint8Array(BLOCK_BYTES).fill(index + 1);

const zeroTotals = (): KvTotals => ({
  bytesSent: 0,
  framesSent: 0,
  framesResent: 0,
  bytesReceived: 0,
  framesReceived: 0,
  framesDamaged: 0,
  framesDuplicate: 0,
  framesUnknown: 0,
});

/** Keeps what a transfer sends; events run at once, as if the current call were over, unless they are held back. */
class HandWire implements TransferWire {
  readonly transportName = 'hand';
  readonly totals = zeroTotals();
  closed = 0;
  heldBack: (() => void)[] | undefined;

  later(event: () => void): void {
    if (this.heldBack) this.heldBack.push(event);
    else event();
  }

  onClosed(): void {
    this.closed++;
  }
}

export class HandSenderWire extends HandWire implements SenderWire {
  maxPayloadBytes = BLOCK_BYTES;
  #frames: KvFrame[] = [];

  publish(frame: Uint8Array): void {
    this.#frames.push(decodeKvFrame(frame));
  }

  /** Frames since the last call. */
  take(): KvFrame[] {
    return this.#frames.splice(0);
  }

  takeSeqs(): number[] {
    return this.take().map(({ seq }) => seq);
  }
}

export class HandReceiverWire extends HandWire implements ReceiverWire {
  frames = 4;
  bootstraps: Bootstrap[] = [];
  remembered: CreditFrame[] = [];
  #credits: CreditFrame[] = [];

  window(): number {
    return this.frames;
  }

  publishBootstrap(message: Bootstrap): void {
    this.bootstraps.push(message);
  }

  publishCredit(frame: Uint8Array): void {
    this.#credits.push(decodeCreditFrame(frame));
  }

  remember(completeCredit: Uint8Array): void {
    this.remembered.push(decodeCreditFrame(completeCredit));
  }

  /** Credits since the last call. */
  take(): Pick<CreditFrame, 'nextSeq' | 'limit' | 'resend' | 'complete'>[] {
    return this.#credits
      .splice(0)
      .map(({ nextSeq, limit, resend, complete }) => ({ nextSeq, limit, resend, complete }));
  }
}

let credits = 0;
/** A credit later than all before it. */
export function credit(nextSeq: number, limit: number, over: Partial<CreditFrame> = {}): CreditFrame {
  return { ...KEY, sender: DECODE, seq: credits++, nextSeq, limit, resend: false, complete: false, ...over };
}

function frame(head: Pick<KvFrameHead, 'seq' | 'last' | 'firstTokens'> & KvSegment, payload: Uint8Array): KvFrame {
  const whole = { ...KEY, sender: PREFILL, ...head };
  return decodeKvFrame(encodeKvFrame({ ...whole, crc32: kvChecksum(whole, [payload]) }, [payload]));
}

const NOTHING: KvSegment = { layerFrom: 0, layerTo: 0, tokenFrom: 0, tokenTo: 0 };

/** Frame `seq` of a transfer that has one layer in each. */
export const dataFrame = (seq: number): KvFrame =>
  frame({ seq, last: false, firstTokens: [], ...layer(seq) }, blockOf(seq));

export const lastFrame = (seq: number, firstTokens = FIRST_TOKENS): KvFrame =>
  frame({ seq, last: true, firstTokens, ...NOTHING }, new Uint8Array(0));

export const keepAliveFrame = (seq: number): KvFrame =>
  frame({ seq, last: false, firstTokens: [], ...NOTHING }, new Uint8Array(0));

export function damagedFrame(seq: number): KvFrame {
  const whole = dataFrame(seq);
  whole.payload[3]! ^= 1;
  return whole;
}
