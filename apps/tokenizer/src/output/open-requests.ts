import {
  AttemptFence,
  FailureCode,
  type Abort,
  type EncodeRequest,
  type Role,
  type TextEntry,
  type TokenEntry,
  type TokenFrame,
  type WorkerId,
} from '@sliceway/protocol';
import type { FailureReporter, FramePublisher } from '@sliceway/service';
import { now, type RequestTrace } from '@sliceway/tracing';
import { EncodeError, EncodeErrorCode } from '../encoding/encode-error.js';
import type { TokenTexts } from './choice-text.js';
import { OpenRequest } from './open-request.js';
import type { OutputStream } from './output-stream.js';
import { checkStopStrings } from './stop-strings.js';

export interface OpenRequestsLimits {
  readonly maxOpen: number;
  readonly orderTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface OpenRequestsParts {
  /** The service takes no new work: a request that comes is refused. */
  readonly isEnding: () => boolean;
  readonly tokens: TokenTexts;
  readonly texts: Pick<FramePublisher<TextEntry>, 'add' | 'flush'>;
  readonly failures: Pick<FailureReporter, 'report'>;
  readonly roleOf: (instance: WorkerId) => Role | undefined;
  readonly limits: OpenRequestsLimits;
  readonly onText: (entry: TextEntry) => void;
  readonly onDropped: (reason: DropReason) => void;
}

/** Why tokens went nowhere: their request is not here (any more), of an older attempt, or the choice has ended. */
export type DropReason = 'unknown' | 'stale' | 'ended';

/** The requests whose tokens become text here. */
export class OpenRequests {
  readonly #parts: OpenRequestsParts;
  readonly #requests = new Map<string, OpenRequest>();
  readonly #fence = new AttemptFence({ now: () => performance.now() });
  /** Of the frame that is taken now: who hears when it has left, and which requests end with it. */
  readonly #leaving: OutputStream[] = [];
  readonly #ending: OpenRequest[] = [];

  constructor(parts: OpenRequestsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#requests.size;
  }

  /**
   * Expects the tokens of an attempt from now on; it takes the place of an older one. Choices that were aborted before
   * have ended already.
   *
   * @throws EncodeError draining, queue_full, bad_stop, aborted
   */
  open(request: EncodeRequest, trace: RequestTrace): OpenRequest {
    const { rid, attempt, output } = request;
    const { maxOpen, orderTimeoutMs, idleTimeoutMs } = this.#parts.limits;
    const older = this.#requests.get(rid);
    if (this.#parts.isEnding()) {
      // The newer attempt goes elsewhere, and nobody waits for this one.
      if (older && older.attempt < attempt) this.#close(older, 'superseded');
      throw new EncodeError(EncodeErrorCode.draining, 'the tokenizer takes no new requests');
    }
    if (!older && this.#requests.size >= maxOpen) {
      throw new EncodeError(EncodeErrorCode.queueFull, `${maxOpen} requests are open`);
    }
    checkStopStrings(output.stop);
    const admissions = Array.from({ length: output.choices }, (_, c) => this.#fence.admit(rid, c, attempt));
    if (!admissions.includes('ok')) {
      throw new EncodeError(EncodeErrorCode.aborted, `attempt ${attempt} was aborted, or a newer one has come`);
    }
    if (older) this.#close(older, 'superseded');
    const opened: OpenRequest = new OpenRequest({
      request,
      tokens: this.#parts.tokens,
      trace,
      orderTimeoutMs,
      idleTimeoutMs,
      fail: (code, message) => this.#fail(opened, code, message),
      onIdle: () => this.#fail(opened, FailureCode.tokenLost, `no token came for ${idleTimeoutMs} ms`),
    });
    admissions.forEach((admission, c) => admission === 'ok' || opened.choice(c)!.abort('aborted before it came'));
    this.#requests.set(rid, opened);
    return opened;
  }

  /** A newer attempt of it is open here. */
  isPast({ rid, attempt }: EncodeRequest): boolean {
    const open = this.#requests.get(rid);
    return open !== undefined && open.attempt > attempt;
  }

  /** Its prompt was refused. */
  discard({ rid, attempt }: EncodeRequest, reason: string): void {
    const request = this.#requests.get(rid);
    if (request?.attempt === attempt) this.#close(request, reason);
  }

  /** All that a frame brings leaves as one frame to each gateway. */
  take({ sender, entries }: TokenFrame): void {
    for (const entry of entries) this.#take(sender, entry);
    try {
      this.#parts.texts.flush();
    } finally {
      if (this.#leaving.length > 0) this.#left();
    }
  }

  /** Frames of this worker never came: requests opened before `untilMs` that may miss a token of theirs fail. */
  lose(sender: WorkerId, frames: number, untilMs = Infinity): void {
    for (const request of this.#requests.values()) {
      if (request.openedMs > untilMs || !request.mayMiss(sender, this.#parts.roleOf)) continue;
      this.#fail(request, FailureCode.frameLost, `${frames} token frames from ${sender} were lost`);
    }
  }

  abort({ rid, choice, attempt, reason }: Abort): void {
    this.#fence.abort(rid, choice, attempt);
    const request = this.#requests.get(rid);
    if (!request || request.attempt > attempt) return;
    if (choice === null) return this.#close(request, reason);
    request.choice(choice)?.abort(reason);
    // It goes with its last choice.
    if (request.ended && this.#remove(request)) request.finish();
  }

  /** Its requests have nobody to read them. It is told, too: one that was stopped may wake up and still wait for them. */
  dropGateway(gateway: WorkerId): void {
    for (const request of this.#requests.values()) {
      if (request.gateway === gateway) this.#fail(request, FailureCode.workerLost, 'the gateway was gone');
    }
  }

  close(): void {
    for (const request of this.#requests.values()) this.#close(request, 'the service ends');
  }

  #take(sender: WorkerId, entry: TokenEntry): void {
    const { texts, onText, onDropped } = this.#parts;
    const request = this.#requests.get(entry.rid);
    if (request && entry.attempt < request.attempt) return onDropped('stale');
    const choice = request?.choice(entry.choice);
    if (!request || !choice || entry.attempt > request.attempt) return onDropped('unknown');
    if (choice.ended) return onDropped('ended');
    request.touch();
    choice.take(sender, entry, (text) => {
      onText(text);
      texts.add(request.gateway, text);
    });
    if (choice.isLeaving) this.#leaving.push(choice);
    if (request.ended && this.#remove(request)) this.#ending.push(request);
  }

  /** Text is buffered until the whole frame is through: only then is it out of here. */
  #left(): void {
    const ts = now();
    for (const choice of this.#leaving.splice(0)) choice.left(ts);
    for (const request of this.#ending.splice(0)) request.finish();
  }

  #fail(request: OpenRequest, code: FailureCode, message: string): void {
    if (!this.#remove(request)) return;
    const { rid, attempt, gateway } = request;
    this.#parts.failures.report({ gateway, rid, attempt, choice: null }, code, message);
    request.abort(`${code}: ${message}`);
  }

  #close(request: OpenRequest, reason: string): void {
    if (this.#remove(request)) request.abort(reason);
  }

  /** @returns false if it is gone already */
  #remove(request: OpenRequest): boolean {
    return this.#requests.get(request.rid) === request && this.#requests.delete(request.rid);
  }
}
