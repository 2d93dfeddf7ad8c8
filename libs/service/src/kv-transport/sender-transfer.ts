import { encodeKvFrame, FailureCode, type Bootstrap, type CreditFrame, type FirstToken } from '@sliceway/protocol';
import { kvChecksum } from './kv-checksum.js';
import { kvFormatMismatch } from './kv-format-mismatch.js';
import type { KvSegment, KvSender, KvSource, KvTransferId, SenderEvents } from './kv-transport.js';
import { splitSegment } from './split-segment.js';
import { Transfer } from './transfer.js';
import type { TransferOptions, TransferWire } from './transfer-options.js';

const NOTHING: KvSegment = { layerFrom: 0, layerTo: 0, tokenFrom: 0, tokenTo: 0 };

export interface SenderWire extends TransferWire {
  /** Payload bytes that one frame may have. */
  readonly maxPayloadBytes: number;
  publish(frame: Uint8Array): void;
}

/**
 * Prefill's end of a transfer: a log of frames, of which those below the credit limit have been sent. A frame's number is
 * its place in the log, so going back to one is setting a counter (go-back-N).
 */
export class SenderTransfer extends Transfer<SenderWire> implements KvSender {
  bytesQueued = 0;
  bytesSent = 0;
  framesSent = 0;
  chunksSent = 0;
  /** When its first KV was ready. */
  startedMs: number | undefined;
  /** When its prompt was computed. */
  computedMs: number | undefined;
  readonly #source: KvSource;
  readonly #events: SenderEvents;
  readonly #log: KvSegment[] = [];
  #firstTokens: readonly FirstToken[] | undefined;
  #opened = false;
  /** Number of the frame to send next. */
  #next = 0;
  /** Frames sent at least once. */
  #furthest = 0;
  #acknowledged = 0;
  #limit = 0;
  #lastCreditSeq = -1;
  #pokedMs = 0;

  constructor(id: KvTransferId, source: KvSource, events: SenderEvents, wire: SenderWire, options: TransferOptions) {
    super(id, events, wire, options);
    this.#source = source;
    this.#events = events;
  }

  get isAcknowledged(): boolean {
    return this.#acknowledged > 0;
  }

  push(segment: KvSegment): void {
    if (this.ended) return;
    this.startedMs ??= performance.now();
    const { kvFormat, pageBlockBytes } = this.options;
    const maxBlocks = Math.floor(this.wire.maxPayloadBytes / pageBlockBytes);
    for (const part of splitSegment(segment, kvFormat.pageTokens, maxBlocks)) {
      this.#log.push(part);
      this.bytesQueued += this.#bytesOf(part);
    }
    this.#pump();
  }

  finish(firstTokens: readonly FirstToken[]): void {
    if (this.ended) return;
    this.computedMs = performance.now();
    this.#firstTokens = firstTokens;
    this.#log.push(NOTHING);
    this.#pump();
  }

  /** The first one with a window opens the transfer; a repeated one asks whether this end still lives. */
  onBootstrap({ decode, transports, kvFormat, window }: Bootstrap): void {
    if (this.ended || decode !== this.id.peer) return;
    this.heardMs = performance.now();
    if (this.#opened) return this.#keepAlive();
    const { transportName } = this.wire;
    if (!transports.includes(transportName)) {
      const message = `decode takes ${transports.join(', ')}; prefill sends by ${transportName}`;
      return this.fail(FailureCode.kvFormatMismatch, message);
    }
    const mismatch = kvFormatMismatch(this.options.kvFormat, kvFormat);
    if (mismatch !== undefined) return this.fail(FailureCode.kvFormatMismatch, mismatch);
    // Decode is there, and its pages will come.
    if (window === 0) return;
    this.#opened = true;
    this.#limit = window;
    this.tell(() => this.#events.onOpen());
    this.#keepAlive();
    this.#pump();
  }

  /** One that asks for nothing and says nothing new asks how far this end is. */
  onCredit({ seq, nextSeq, limit, resend, complete }: CreditFrame): void {
    if (this.ended || !this.#opened || nextSeq > this.#furthest || seq <= this.#lastCreditSeq) return;
    // Only a log that has ended can be whole: what says otherwise was damaged on the way.
    if (complete && (!this.#firstTokens || nextSeq < this.#log.length)) return;
    const isQuestion = !resend && nextSeq <= this.#acknowledged && limit <= this.#limit;
    this.#lastCreditSeq = seq;
    this.heardMs = performance.now();
    this.#acknowledged = Math.max(this.#acknowledged, nextSeq);
    this.#limit = Math.max(this.#limit, limit);
    if (complete) {
      this.end();
      return this.tell(() => this.#events.onDone());
    }
    if (resend) this.#next = nextSeq;
    this.#pump();
    if (isQuestion) this.#keepAlive();
  }

  #pump(): void {
    while (!this.ended && this.#next < this.#log.length && this.#next < this.#limit) this.#send(this.#next++);
  }

  #send(seq: number): void {
    const segment = this.#log[seq]!;
    const isLast = this.#firstTokens !== undefined && seq === this.#log.length - 1;
    const payload = isLast ? [] : this.#read(seq, segment);
    if (!payload) return;
    this.#publish(seq, segment, isLast, payload);
    const { totals } = this.wire;
    this.framesSent++;
    totals.framesSent++;
    if (seq < this.#furthest) {
      totals.framesResent++;
      return;
    }
    this.#furthest = seq + 1;
    if (!isLast) this.chunksSent++;
    this.bytesSent += this.#bytesOf(segment);
    totals.bytesSent += this.#bytesOf(segment);
  }

  /** @returns undefined when there are no such pages; the transfer has failed then */
  #read(seq: number, segment: KvSegment): readonly Uint8Array[] | undefined {
    try {
      const blocks = this.#source.read(segment);
      if (blocks) return blocks;
      this.fail(FailureCode.engineError, 'the pages of this prompt are gone');
    } catch (error) {
      this.fail(FailureCode.engineError, `KV frame ${seq}: ${(error as Error).message}`);
    }
    return undefined;
  }

  /** An empty frame that is not the last has no place in the log: it says "alive, and all below this number has left". */
  #keepAlive(): void {
    this.#publish(this.#next, NOTHING, false, []);
  }

  #publish(seq: number, segment: KvSegment, last: boolean, payload: readonly Uint8Array[]): void {
    const { rid, choice, attempt, room } = this.id;
    const firstTokens = last ? this.#firstTokens! : [];
    const head = { sender: this.options.instance, seq, rid, choice, attempt, room, last, ...segment, firstTokens };
    this.wire.publish(encodeKvFrame({ ...head, crc32: kvChecksum(head, payload) }, payload));
  }

  protected tick(nowMs: number): void {
    const silentMs = nowMs - this.heardMs;
    const { bootstrapTimeoutMs, timeoutMs, probeMs } = this.options;
    const { peer } = this.id;
    if (!this.#opened) {
      if (silentMs < bootstrapTimeoutMs) return;
      return this.fail(
        FailureCode.bootstrapTimeout,
        `nothing was heard of decode ${peer} within ${bootstrapTimeoutMs} ms`,
      );
    }
    if (this.#acknowledged === this.#log.length) {
      // Decode has all there is, and nothing to say: its silence counts from the next frame on.
      this.heardMs = nowMs;
    } else if (silentMs >= timeoutMs) {
      this.fail(FailureCode.kvTimeout, `decode ${peer} was silent for ${timeoutMs} ms`);
    } else if (silentMs >= probeMs && nowMs - this.#pokedMs >= probeMs) {
      this.#pokedMs = nowMs;
      this.#keepAlive();
    }
  }

  #bytesOf({ layerFrom, layerTo, tokenFrom, tokenTo }: KvSegment): number {
    const { kvFormat, pageBlockBytes } = this.options;
    return (layerTo - layerFrom) * Math.ceil((tokenTo - tokenFrom) / kvFormat.pageTokens) * pageBlockBytes;
  }
}
