import {
  FailureCode,
  FinishReason,
  type Role,
  type TextEntry,
  type TokenEntry,
  type WorkerId,
} from '@sliceway/protocol';
import { AttributeName, EventName, NULL_TRACE, now, SliceName, TraceLevel, type RequestTrace } from '@sliceway/tracing';
import { ChoiceText, type TokenTexts } from './choice-text.js';
import { TokenOrder } from './token-order.js';

export interface OutputStreamParts {
  readonly tokens: TokenTexts;
  readonly stop: readonly string[];
  /** How long later tokens may wait for a missing one. */
  readonly orderTimeoutMs: number;
  /** Called with the first tokens: the choice's visit to this thread begins. */
  readonly openTrace: (ts: number) => RequestTrace;
  /** The choice cannot go on. */
  readonly fail: (code: FailureCode, message: string) => void;
}

/** One choice of a request, from its first token to its last text. */
export class OutputStream {
  readonly #parts: OutputStreamParts;
  readonly #order = new TokenOrder();
  readonly #text: ChoiceText;
  readonly #senders: WorkerId[] = [];
  #trace: RequestTrace = NULL_TRACE;
  /** When the last tokens came. */
  #takenTs = 0;
  /** Its first text, or its last, is on its way out. */
  #isLeaving = false;
  #hasText = false;
  /** Of its whole text, when that is there. */
  #tokens = 0;
  #wait: NodeJS.Timeout | undefined;
  #ended = false;

  /** @throws RangeError for an empty stop string */
  constructor(parts: OutputStreamParts) {
    this.#parts = parts;
    this.#text = new ChoiceText(parts.tokens, parts.stop);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Takes tokens and calls `emit` with what is in order now; after the end they are dropped. */
  take(sender: WorkerId, entry: TokenEntry, emit: (entry: TextEntry) => void): void {
    if (this.#ended) return;
    this.#meet(sender);
    if (this.#trace.level !== TraceLevel.off) this.#takenTs = now();
    const awaited = this.#order.next;
    if (!this.#order.push(entry)) {
      return this.#parts.fail(FailureCode.tokenLost, `token ${awaited} did not come while too many later ones did`);
    }
    try {
      for (let ready = this.#order.shift(); ready && !this.#ended; ready = this.#order.shift()) this.#emit(ready, emit);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#parts.fail(FailureCode.badMessage, error.message);
    }
    this.#watch(this.#order.next > awaited);
  }

  /**
   * Whether a frame that was lost from this worker may have held one of the missing tokens. A choice has two senders, one
   * prefill and one decode, and gets to know them by their tokens: the worker is one of them, or, by its role, may still be.
   */
  mayMiss(sender: WorkerId, roleOf: (instance: WorkerId) => Role | undefined): boolean {
    if (this.#ended) return false;
    if (this.#senders.includes(sender)) return true;
    if (this.#senders.length >= 2) return false;
    const role = roleOf(sender);
    return role === undefined || this.#senders.every((known) => roleOf(known) !== role);
  }

  /** Whether `left` has to be told. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** What was emitted is on its way to the gateway. */
  left(ts: number): void {
    this.#isLeaving = false;
    if (!this.#hasText) this.#trace.event(EventName.firstText, {}, { ts });
    this.#hasText = true;
    if (!this.#ended) return;
    this.#trace.event(EventName.lastToken, {}, { ts: this.#takenTs });
    this.#trace.sliceEnd(SliceName.detokenize, { ts, attributes: { [AttributeName.tokens]: this.#tokens } });
    this.#trace.finish({ ts });
  }

  /** Gives the choice up. */
  abort(reason: string): void {
    if (this.#ended) return;
    this.#end();
    this.#trace.abort(reason);
  }

  #meet(sender: WorkerId): void {
    if (this.#senders.length === 0) {
      const ts = now();
      this.#trace = this.#parts.openTrace(ts);
      this.#trace.sliceStart(SliceName.detokenize, { ts });
    }
    if (!this.#senders.includes(sender)) this.#senders.push(sender);
  }

  #emit(entry: TokenEntry, emit: (entry: TextEntry) => void): void {
    const text = this.#text.take(entry);
    emit(text);
    if (text.finish !== FinishReason.none) {
      this.#end();
      this.#tokens = text.index + text.tokens.length;
    } else if (this.#hasText) return;
    this.#isLeaving = true;
  }

  /** Limits the wait for the token that is missing now. */
  #watch(isAnother: boolean): void {
    if (this.#ended) return;
    if (isAnother || !this.#order.waits) this.#stopWatching();
    if (!this.#order.waits) return;
    const { orderTimeoutMs, fail } = this.#parts;
    this.#wait ??= setTimeout(
      () =>
        fail(
          FailureCode.tokenLost,
          `token ${this.#order.next} did not come within ${orderTimeoutMs} ms of a later one`,
        ),
      orderTimeoutMs,
    );
  }

  #end(): void {
    this.#ended = true;
    this.#stopWatching();
  }

  #stopWatching(): void {
    clearTimeout(this.#wait);
    this.#wait = undefined;
  }
}
