import type { TokenBytes } from '@sliceway/model';
import {
  AttemptFence,
  FailureCode,
  type Abort,
  type EncodeRequest,
  type TextEntry,
  type TokenFrame,
  type WorkerId,
} from '@sliceway/protocol';
import type { FailureReporter, FramePublisher } from '@sliceway/service';
import { SliceName, type RequestTrace } from '@sliceway/tracing';
import { ChoiceOutput } from './choice-output.js';

interface OpenRequest {
  readonly rid: string;
  readonly attempt: number;
  readonly gateway: WorkerId;
  readonly trace: RequestTrace;
  readonly choices: ChoiceOutput[];
  open: number;
  /** Workers that its tokens came from: a frame lost from one of them may have held a token of it. */
  readonly senders: Set<WorkerId>;
  orderTimer: NodeJS.Timeout | undefined;
}

export interface OpenRequestsLimits {
  readonly maxOpen: number;
  readonly orderTimeoutMs: number;
}

/** Requests whose tokens become text here, from encode to their last text. */
export class OpenRequests {
  readonly #requests = new Map<string, OpenRequest>();
  readonly #fence = new AttemptFence({ now: () => performance.now() });
  unknownTokens = 0;

  constructor(
    private readonly tokens: TokenBytes,
    private readonly texts: FramePublisher<TextEntry>,
    private readonly failures: FailureReporter,
    private readonly limits: OpenRequestsLimits,
  ) {}

  get size(): number {
    return this.#requests.size;
  }

  get isFull(): boolean {
    return this.#requests.size >= this.limits.maxOpen;
  }

  /** A newer attempt takes an older one's place. An attempt that was aborted already is not opened. */
  open({ rid, attempt, output }: EncodeRequest, trace: RequestTrace): void {
    if (this.#fence.admit(rid, 0, attempt) !== 'ok') return trace.abort('aborted before it came');
    this.#close(rid, 'superseded');
    const choices = Array.from({ length: output.choices }, () => new ChoiceOutput(this.tokens, output.stop));
    const { gateway } = output;
    this.#requests.set(rid, {
      rid,
      attempt,
      gateway,
      trace,
      choices,
      open: output.choices,
      senders: new Set(),
      orderTimer: undefined,
    });
  }

  /** All that a frame brings leaves as one frame to each gateway. */
  take({ sender, entries }: TokenFrame): void {
    for (const entry of entries) {
      const request = this.#requests.get(entry.rid);
      const choice = request?.choices[entry.choice];
      if (!request || !choice || entry.attempt !== request.attempt) {
        this.unknownTokens++;
        continue;
      }
      if (request.senders.size === 0) request.trace.sliceStart(SliceName.detokenize);
      request.senders.add(sender);
      const inOrder = choice.take(entry, (text) => this.texts.add(request.gateway, text));
      if (!inOrder) this.#fail(request, FailureCode.tokenLost, 'too many tokens came before an earlier one');
      else this.#settle(request, choice);
    }
    this.texts.flush();
  }

  /**
   * Frames of this worker never came: its requests cannot be whole. A request has two senders, its prefill and its decode;
   * until both are known, it may be one of this worker's.
   */
  lose(sender: WorkerId, lost: number): void {
    for (const request of this.#requests.values()) {
      if (request.senders.size >= 2 && !request.senders.has(sender)) continue;
      this.#fail(request, FailureCode.frameLost, `${lost} token frames from ${sender} were lost`);
    }
  }

  abort({ rid, choice, attempt, reason }: Abort): void {
    this.#fence.abort(rid, choice, attempt);
    const request = this.#requests.get(rid);
    if (!request || request.attempt > attempt) return;
    if (choice === null) return this.#close(rid, reason);
    const output = request.choices[choice];
    if (!output || output.ended) return;
    output.ended = true;
    this.#settle(request, output);
  }

  dropGateway(gateway: WorkerId): void {
    for (const request of this.#requests.values())
      if (request.gateway === gateway) this.#close(request.rid, 'the gateway is gone');
  }

  close(): void {
    for (const rid of this.#requests.keys()) this.#close(rid, 'the service ends');
  }

  #settle(request: OpenRequest, choice: ChoiceOutput): void {
    if (choice.ended && --request.open === 0) {
      request.trace.sliceEnd(SliceName.detokenize);
      request.trace.finish();
      return this.#remove(request);
    }
    const waits = request.choices.some((output) => output.waits && !output.ended);
    if (!waits) {
      clearTimeout(request.orderTimer);
      request.orderTimer = undefined;
    } else {
      request.orderTimer ??= setTimeout(
        () =>
          this.#fail(
            request,
            FailureCode.tokenLost,
            `a token did not come within ${this.limits.orderTimeoutMs} ms of a later one`,
          ),
        this.limits.orderTimeoutMs,
      );
    }
  }

  #fail(request: OpenRequest, code: FailureCode, message: string): void {
    this.failures.report({ ...request, choice: null }, code, message);
    request.trace.abort(`${code}: ${message}`);
    this.#remove(request);
  }

  #close(rid: string, reason: string): void {
    const request = this.#requests.get(rid);
    if (!request) return;
    request.trace.abort(reason);
    this.#remove(request);
  }

  #remove(request: OpenRequest): void {
    clearTimeout(request.orderTimer);
    this.#requests.delete(request.rid);
  }
}
