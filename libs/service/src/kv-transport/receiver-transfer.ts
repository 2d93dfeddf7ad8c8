import { encodeCreditFrame, FailureCode, type Bootstrap, type KvFrame } from '@sliceway/protocol';
import { kvChecksum } from './kv-checksum.js';
import type { KvReceiver, KvSink, KvTransferId, ReceiverEvents } from './kv-transport.js';
import { MAX_RESENDS, type TransferOptions } from './transfer-options.js';

export interface ReceiverWire {
  readonly transportName: string;
  publishBootstrap(bootstrap: Bootstrap): void;
  publishCredit(frame: Uint8Array): void;
  /** The transfer is whole; later copies of its last frame are answered without it. */
  remember(completeCredit: Uint8Array): void;
  onClosed(): void;
}

/** Decode's end of a transfer: takes frames in order, gives credits, asks again for what is damaged, lost or late. */
export class ReceiverTransfer implements KvReceiver {
  bytesReceived = 0;
  readonly #timer: NodeJS.Timeout;
  #expected = 0;
  #credited = 0;
  #creditSeq = 0;
  /** The frame asked for again, and how often. */
  #asked = -1;
  #resends = 0;
  #heardMs = performance.now();
  #closed = false;

  constructor(
    private readonly id: KvTransferId,
    private readonly sink: KvSink,
    private readonly events: ReceiverEvents,
    private readonly wire: ReceiverWire,
    private readonly options: TransferOptions,
  ) {
    this.#credited = options.window;
    this.#timer = setInterval(() => this.#tick(), options.probeMs);
    this.#bootstrap();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.wire.onClosed();
  }

  onFrame(frame: KvFrame): void {
    if (this.#closed) return;
    this.#heardMs = performance.now();
    const { seq, payload } = frame;
    if (kvChecksum(frame, [payload]) !== frame.crc32) return this.#askAgain(FailureCode.kvCorrupt, 'damaged');
    const isKeepAlive = !frame.last && payload.byteLength === 0;
    if (seq > this.#expected) return this.#asked === this.#expected ? undefined : this.#askAgain(FailureCode.kvTimeout, 'lost');
    if (isKeepAlive) return;
    if (seq < this.#expected) return void this.#credit(false);
    if (frame.last) return this.#complete(frame);
    if (!this.sink.write(frame, payload)) return this.close();
    this.bytesReceived += payload.byteLength;
    this.#expected++;
    this.#resends = 0;
    if (this.#credited - this.#expected <= this.options.window / 2) this.#credit(false);
  }

  #complete({ firstTokens }: KvFrame): void {
    this.#expected++;
    this.wire.remember(this.#credit(false, true));
    this.close();
    this.events.onComplete(firstTokens);
  }

  #askAgain(code: FailureCode, what: string): void {
    if (this.#asked !== this.#expected) this.#resends = 0;
    this.#asked = this.#expected;
    if (++this.#resends > MAX_RESENDS) {
      this.close();
      return this.events.onFailed(code, `KV frame ${this.#expected} was ${what} ${this.#resends} times`);
    }
    this.#credit(true);
  }

  #credit(resend: boolean, complete = false): Uint8Array {
    const { rid, choice, attempt, room } = this.id;
    this.#credited = this.#expected + this.options.window;
    const frame = encodeCreditFrame({
      sender: this.options.instance,
      seq: this.#creditSeq++,
      rid,
      choice,
      attempt,
      room,
      nextSeq: this.#expected,
      limit: this.#credited,
      resend,
      complete,
    });
    this.wire.publishCredit(frame);
    return frame;
  }

  /** Asks a silent prefill whether it lives: it answers with what is next, or with an empty frame. */
  #tick(): void {
    const silentMs = performance.now() - this.#heardMs;
    const { timeoutMs, probeMs } = this.options;
    if (silentMs > timeoutMs) {
      this.close();
      this.events.onFailed(FailureCode.kvTimeout, `prefill ${this.id.peer} was silent for ${timeoutMs} ms`);
    } else if (silentMs >= probeMs || this.#asked === this.#expected) {
      this.#asked = -1;
      if (this.#expected === 0) this.#bootstrap();
      else this.#credit(true);
    }
  }

  #bootstrap(): void {
    const { rid, choice, attempt, room } = this.id;
    const { instance, kvFormat, window } = this.options;
    this.wire.publishBootstrap({ rid, choice, attempt, room, decode: instance, transports: [this.wire.transportName], kvFormat, window });
  }
}
