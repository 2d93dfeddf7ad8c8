import { encodeCreditFrame, FailureCode, type Bootstrap, type KvFrame } from '@sliceway/protocol';
import { kvChecksum } from './kv-checksum.js';
import type { KvReceiver, KvSink, KvTransferId, ReceiverEvents } from './kv-transport.js';
import { Transfer } from './transfer.js';
import { MAX_RESENDS, type TransferOptions, type TransferWire } from './transfer-options.js';

export interface ReceiverWire extends TransferWire {
  /** Frames that may be on their way now; fewer while many transfers are open. */
  window(): number;
  publishBootstrap(bootstrap: Bootstrap): void;
  publishCredit(frame: Uint8Array): void;
  /** The transfer is whole; what still comes for it is answered with this. */
  remember(completeCredit: Uint8Array): void;
}

/** Decode's end of a transfer: takes frames in order, gives credits, asks again for what is damaged, lost or late. */
export class ReceiverTransfer extends Transfer<ReceiverWire> implements KvReceiver {
  bytesReceived = 0;
  /** When its first KV came. */
  startedMs: number | undefined;
  readonly #sink: KvSink;
  readonly #events: ReceiverEvents;
  readonly #window: number;
  /** Number of the frame to take next. */
  #expected = 0;
  #limit: number;
  #creditSeq = 0;
  /** A word came from prefill. */
  #answered = false;
  /** Times that the expected frame came damaged. */
  #damaged = 0;
  /** Since when the expected frame is known to be missing. */
  #missingSinceMs: number | undefined;
  #movedMs = performance.now();
  #askedMs = 0;

  constructor(id: KvTransferId, sink: KvSink, events: ReceiverEvents, wire: ReceiverWire, options: TransferOptions) {
    super(id, events, wire, options);
    this.#sink = sink;
    this.#events = events;
    this.#window = this.#limit = wire.window();
    this.#bootstrap();
  }

  onFrame(frame: KvFrame): void {
    if (this.ended) return;
    const { totals } = this.wire;
    const { seq, payload, last } = frame;
    this.heardMs = performance.now();
    this.#answered = true;
    const isKeepAlive = !last && payload.byteLength === 0;
    if (!isKeepAlive) totals.framesReceived++;
    if (kvChecksum(frame, [payload]) !== frame.crc32) return this.#onDamage(seq);
    if (seq > this.#expected) return this.#onGap(isKeepAlive);
    if (isKeepAlive) return;
    if (seq < this.#expected) {
      totals.framesDuplicate++;
      return;
    }
    if (last ? this.#isMalformedEnd(frame) : !this.#write(frame)) return;
    this.#expected++;
    this.#damaged = 0;
    this.#missingSinceMs = undefined;
    this.#movedMs = this.heardMs;
    if (last) this.#complete(frame);
    else if (this.#limit - this.#expected <= this.wire.window() / 2) this.#credit();
  }

  /** @returns whether it was taken; the transfer has failed otherwise */
  #write(frame: KvFrame): boolean {
    const { payload } = frame;
    const { totals } = this.wire;
    this.startedMs ??= this.heardMs;
    if (!this.#fits(frame)) {
      this.fail(
        FailureCode.badMessage,
        `KV frame ${frame.seq} has ${payload.byteLength} bytes, or a range, that no page has`,
      );
      return false;
    }
    try {
      if (this.#sink.write(frame, payload)) {
        this.bytesReceived += payload.byteLength;
        totals.bytesReceived += payload.byteLength;
        return true;
      }
      this.fail(FailureCode.engineError, 'the pages reserved for this KV are gone');
    } catch (error) {
      this.fail(FailureCode.badMessage, `KV frame ${frame.seq}: ${(error as Error).message}`);
    }
    return false;
  }

  #fits({ layerFrom, layerTo, tokenFrom, tokenTo, payload }: KvFrame): boolean {
    const { kvFormat, pageBlockBytes } = this.options;
    const blocks = (layerTo - layerFrom) * Math.ceil((tokenTo - tokenFrom) / kvFormat.pageTokens);
    const [firstLayer, endLayer] = kvFormat.layers;
    const isInside = layerFrom >= firstLayer && layerTo <= endLayer && tokenFrom % kvFormat.pageTokens === 0;
    return isInside && payload.byteLength === blocks * pageBlockBytes;
  }

  #isMalformedEnd({ firstTokens, payload }: KvFrame): boolean {
    if (firstTokens.length > 0 && payload.byteLength === 0) return false;
    this.fail(FailureCode.badMessage, 'the last KV frame has to carry first tokens and nothing else');
    return true;
  }

  #complete({ firstTokens }: KvFrame): void {
    this.wire.remember(this.#credit(false, true));
    this.end();
    this.tell(() => this.#events.onComplete(firstTokens));
  }

  /** Only the expected frame counts: the number of another one cannot be believed, nor does it matter yet. */
  #onDamage(seq: number): void {
    this.wire.totals.framesDamaged++;
    if (seq !== this.#expected) return;
    if (++this.#damaged > MAX_RESENDS) {
      return this.fail(FailureCode.kvCorrupt, `KV frame ${seq} came damaged ${this.#damaged} times`);
    }
    this.#missingSinceMs ??= this.heardMs;
    this.#credit(true);
  }

  /**
   * Asks once: the frames behind a gap that are on their way already say nothing new. An empty frame does, since it left
   * after all that it counts: what has not come before it was lost, and lost again if it had been asked for.
   */
  #onGap(isProven: boolean): void {
    if (this.#missingSinceMs !== undefined && !isProven) return;
    this.#missingSinceMs ??= this.heardMs;
    this.#credit(true);
  }

  #credit(resend = false, complete = false): Uint8Array {
    const { rid, choice, attempt, room } = this.id;
    this.#limit = Math.max(this.#limit, this.#expected + this.wire.window());
    this.#askedMs = performance.now();
    const frame = encodeCreditFrame({
      sender: this.options.instance,
      seq: this.#creditSeq++,
      rid,
      choice,
      attempt,
      room,
      nextSeq: this.#expected,
      limit: this.#limit,
      resend,
      complete,
    });
    this.wire.publishCredit(frame);
    return frame;
  }

  /**
   * Asks a silent prefill how far it is, by a bootstrap or a credit that says nothing new; the answer is an empty frame.
   * To ask for frames again, which may only be late, would add to what holds them up.
   */
  protected tick(nowMs: number): void {
    const { timeoutMs, bootstrapTimeoutMs, probeMs } = this.options;
    const { peer } = this.id;
    const silentMs = nowMs - this.heardMs;
    if (!this.#answered && silentMs >= bootstrapTimeoutMs) {
      this.fail(FailureCode.bootstrapTimeout, `prefill ${peer} did not answer within ${bootstrapTimeoutMs} ms`);
    } else if (this.#answered && silentMs >= timeoutMs) {
      this.fail(FailureCode.kvTimeout, `prefill ${peer} was silent for ${timeoutMs} ms`);
    } else if (this.#missingSinceMs !== undefined && nowMs - this.#missingSinceMs >= timeoutMs) {
      this.fail(FailureCode.kvTimeout, `KV frame ${this.#expected} did not come within ${timeoutMs} ms`);
    } else if (nowMs - Math.max(this.#askedMs, this.#movedMs) >= probeMs) {
      if (this.#answered) this.#credit();
      else this.#bootstrap();
    }
  }

  #bootstrap(): void {
    const { rid, choice, attempt, room } = this.id;
    const { instance, kvFormat } = this.options;
    const transports = [this.wire.transportName];
    this.#askedMs = performance.now();
    this.wire.publishBootstrap({
      rid,
      choice,
      attempt,
      room,
      decode: instance,
      transports,
      kvFormat,
      window: this.#window,
    });
  }
}
