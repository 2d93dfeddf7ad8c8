import { encodeKvFrame, FailureCode, type Bootstrap, type CreditFrame, type FirstToken, type KvFormat } from '@sliceway/protocol';
import { kvChecksum } from './kv-checksum.js';
import type { KvSegment, KvSender, KvSource, KvTransferId, SenderEvents } from './kv-transport.js';
import { splitSegment } from './split-segment.js';
import type { TransferOptions } from './transfer-options.js';

const NOTHING: KvSegment = { layerFrom: 0, layerTo: 0, tokenFrom: 0, tokenTo: 0 };

/** What a sender's transfer needs of the wire. */
export interface SenderWire {
  readonly transportName: string;
  /** Payload bytes that one frame may have. */
  readonly maxPayloadBytes: number;
  publish(frame: Uint8Array): void;
  onClosed(): void;
}

/**
 * Prefill's end of a transfer: a log of frames, of which those below the credit limit have been sent. A frame's number is
 * its place in the log, so going back to one is setting a counter (go-back-N).
 */
export class SenderTransfer implements KvSender {
  bytesQueued = 0;
  bytesSent = 0;
  readonly #log: KvSegment[] = [];
  readonly #timer: NodeJS.Timeout;
  #firstTokens: readonly FirstToken[] | undefined;
  #opened = false;
  #closed = false;
  #next = 0;
  #furthest = 0;
  #acknowledged = 0;
  #limit = 0;
  #heardMs = performance.now();

  constructor(
    private readonly id: KvTransferId,
    private readonly source: KvSource,
    private readonly events: SenderEvents,
    private readonly wire: SenderWire,
    private readonly options: TransferOptions,
  ) {
    this.#timer = setInterval(() => this.#tick(), options.probeMs);
  }

  push(segment: KvSegment): void {
    const { kvFormat, pageBlockBytes } = this.options;
    const parts = splitSegment(segment, kvFormat.pageTokens, Math.floor(this.wire.maxPayloadBytes / pageBlockBytes));
    for (const part of parts) {
      this.#log.push(part);
      this.bytesQueued += this.#bytesOf(part);
    }
    this.#pump();
  }

  finish(firstTokens: readonly FirstToken[]): void {
    this.#firstTokens = firstTokens;
    this.#log.push(NOTHING);
    this.#pump();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.wire.onClosed();
  }

  /** The first one opens the transfer; a repeated one asks whether this end still lives. */
  onBootstrap(bootstrap: Bootstrap): void {
    if (this.#closed) return;
    this.#heardMs = performance.now();
    if (this.#opened) return this.#keepAlive();
    const mismatch = this.#mismatch(bootstrap);
    if (mismatch) return this.#fail(FailureCode.kvFormatMismatch, mismatch);
    this.#opened = true;
    this.#limit = bootstrap.window;
    this.events.onOpen();
    this.#pump();
  }

  onCredit({ nextSeq, limit, resend, complete }: CreditFrame): void {
    if (this.#closed || !this.#opened || nextSeq > this.#furthest) return;
    this.#heardMs = performance.now();
    this.#acknowledged = Math.max(this.#acknowledged, nextSeq);
    this.#limit = Math.max(this.#limit, limit);
    if (complete) {
      this.close();
      return this.events.onDone();
    }
    if (resend) this.#next = nextSeq;
    if (resend && this.#next === this.#log.length) this.#keepAlive();
    this.#pump();
  }

  #pump(): void {
    while (!this.#closed && this.#next < this.#log.length && this.#next < this.#limit) this.#send(this.#next++);
  }

  #send(seq: number): void {
    const segment = this.#log[seq]!;
    const isLast = this.#firstTokens !== undefined && seq === this.#log.length - 1;
    const payload = isLast ? [] : this.source.read(segment);
    if (!payload) return this.close();
    this.#publish(seq, segment, isLast, payload);
    if (seq < this.#furthest) return;
    this.#furthest = seq + 1;
    this.bytesSent += this.#bytesOf(segment);
  }

  /** An empty frame that is not the last has no place in the log: it says "alive, and this number comes next". */
  #keepAlive(): void {
    this.#publish(this.#next, NOTHING, false, []);
  }

  #publish(seq: number, segment: KvSegment, last: boolean, payload: readonly Uint8Array[]): void {
    const { rid, choice, attempt, room } = this.id;
    const firstTokens = last ? this.#firstTokens! : [];
    const head = { sender: this.options.instance, seq, rid, choice, attempt, room, last, ...segment, firstTokens };
    this.wire.publish(encodeKvFrame({ ...head, crc32: kvChecksum(head, payload) }, payload));
  }

  #tick(): void {
    const silentMs = performance.now() - this.#heardMs;
    const { bootstrapTimeoutMs, timeoutMs, probeMs } = this.options;
    if (!this.#opened) {
      if (silentMs > bootstrapTimeoutMs) this.#fail(FailureCode.bootstrapTimeout, `decode ${this.id.peer} reserved no pages within ${bootstrapTimeoutMs} ms`);
      return;
    }
    if (this.#acknowledged === this.#log.length) {
      this.#heardMs = performance.now();
    } else if (silentMs > timeoutMs) {
      this.#fail(FailureCode.kvTimeout, `decode ${this.id.peer} was silent for ${timeoutMs} ms`);
    } else if (silentMs >= probeMs && this.#next > this.#acknowledged) {
      this.#send(this.#next - 1);
    }
  }

  #mismatch({ kvFormat, transports }: Bootstrap): string | undefined {
    if (!transports.includes(this.wire.transportName)) return `decode takes ${transports.join(', ')}; prefill sends by ${this.wire.transportName}`;
    const own = this.options.kvFormat;
    const differing = (Object.keys(own) as (keyof KvFormat)[]).find((key) => String(own[key]) !== String(kvFormat[key]));
    return differing && `${differing} of the KV is ${String(own[differing])} in prefill, ${String(kvFormat[differing])} in decode`;
  }

  #bytesOf({ layerFrom, layerTo, tokenFrom, tokenTo }: KvSegment): number {
    const { kvFormat, pageBlockBytes } = this.options;
    return (layerTo - layerFrom) * Math.ceil((tokenTo - tokenFrom) / kvFormat.pageTokens) * pageBlockBytes;
  }

  #fail(code: FailureCode, message: string): void {
    this.close();
    this.events.onFailed(code, message);
  }
}
