import {
  AbortReason,
  FailureCode,
  FinishReason,
  Role,
  type RequestId,
  type TextEntry,
  type WorkerId,
  type WorkerRole,
} from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { contextLengthExceeded, deadlineExceeded } from '../openai/api-errors.js';
import type { ChatRequest } from '../openai/chat-request.js';
import type { CompletionSink, Usage } from '../openai/completion-sink.js';
import type { Router } from '../routing/router.js';
import type { Worker } from '../routing/worker-directory.js';
import { Attempt } from './attempt.js';
import { ChoiceProgress } from './choice-progress.js';
import type { ClusterPort } from './cluster-port.js';
import { choiceEnd } from './choice-end.js';
import { encodeFailure, toApiError, workerFailure } from './failure-errors.js';
import { decodeLeg, encodeRequest, prefillLeg, samplingParams, type LegBase } from './messages.js';
import { RequestEnd, type RequestObserver } from './request-observer.js';

export interface RequestLimits {
  /** From admission to the last byte. */
  readonly timeoutMs: number;
  /** Between two tokens. */
  readonly stallTimeoutMs: number;
}

export interface LifecycleParts {
  readonly rid: RequestId;
  /** 16 hex characters. */
  readonly room: string;
  readonly chat: ChatRequest;
  readonly sink: CompletionSink;
  readonly observer: RequestObserver;
  readonly cluster: ClusterPort;
  readonly router: Router;
  readonly limits: RequestLimits;
}

export const RequestState = {
  /** A tokenizer encodes the prompt. */
  tokenizing: 'tokenizing',
  /** Both legs are under way; no token yet. */
  dispatched: 'dispatched',
  streaming: 'streaming',
  ended: 'ended',
} as const;
export type RequestState = (typeof RequestState)[keyof typeof RequestState];

/**
 * One accepted request from admission to its one end.
 *
 * `tokenizing → dispatched → streaming → ended`, and to `ended` from each of them. Whatever ends it (the last choice, an
 * error, a timeout, the client), the first one wins and the rest is ignored; unless it finished by itself, every
 * worker that takes part is told to abort.
 */
export class RequestLifecycle {
  readonly rid: RequestId;
  readonly #parts: LifecycleParts;
  readonly #attempt: Attempt;
  readonly #choices: ChoiceProgress[];
  readonly #onEnd: () => void;
  readonly #deadlineMs: number;
  readonly #deadline: NodeJS.Timeout;
  #stall: NodeJS.Timeout | null = null;
  #state: RequestState = RequestState.tokenizing;
  #promptIds: readonly number[] = [];
  #stopMatched = false;

  /** @param onEnd called once, before the client hears of the end */
  constructor(parts: LifecycleParts, onEnd: () => void = () => {}) {
    const { timeoutMs } = parts.limits;
    this.rid = parts.rid;
    this.#parts = parts;
    this.#attempt = new Attempt(0, parts.room);
    this.#choices = Array.from({ length: parts.chat.choices }, () => new ChoiceProgress());
    this.#onEnd = onEnd;
    this.#deadlineMs = Date.now() + timeoutMs;
    this.#deadline = setTimeout(() => this.fail(deadlineExceeded(timeoutMs), AbortReason.deadline), timeoutMs);
  }

  get state(): RequestState {
    return this.#state;
  }

  /** Takes the request up to both legs; never rejects: an error ends the request. */
  async start(): Promise<void> {
    const { chat, observer, router } = this.#parts;
    observer.admitted();
    try {
      const tokenizer = router.tokenizer(chat.model);
      const promptIds = await this.#encode(tokenizer.instance);
      if (this.#state === RequestState.ended) return;
      this.#promptIds = promptIds;
      observer.tokenized(promptIds.length);
      this.#dispatch(tokenizer);
    } catch (error) {
      this.fail(toApiError(error));
    }
  }

  /** Text and tokens of one choice. */
  onText(entry: TextEntry): void {
    if (this.#state === RequestState.ended || entry.attempt !== this.#attempt.number) return;
    const choice = this.#choices[entry.choice];
    if (choice === undefined || choice.finished) return;
    if (entry.index !== choice.tokenIds.length) {
      const message = `text of choice ${entry.choice} goes on at token ${entry.index}, not ${choice.tokenIds.length}`;
      this.fail(workerFailure(FailureCode.frameLost, message));
      return;
    }
    if (entry.tokens.length > 0) this.#take(entry.choice, choice, entry.tokens);
    if (entry.text !== '' && !this.#parts.sink.text(entry.choice, entry.text)) {
      this.abort(AbortReason.slowClient);
      return;
    }
    if (entry.finish !== FinishReason.none) this.#finishChoice(entry, choice);
  }

  /** A worker gave up. */
  onFailed(attempt: number, code: FailureCode, message: string): void {
    if (attempt === this.#attempt.number) this.fail(workerFailure(code, message));
  }

  onWorkerLost(role: WorkerRole, instance: WorkerId): void {
    if (!this.#attempt.dependsOn(role, instance)) return;
    this.fail(workerFailure(FailureCode.workerLost, `${role} worker ${instance} was lost`));
  }

  /** Frames of this tokenizer did not arrive; any request on it may miss text. */
  onFramesLost(tokenizer: WorkerId): void {
    if (!this.#attempt.dependsOn(Role.tokenizer, tokenizer)) return;
    this.fail(workerFailure(FailureCode.frameLost, `text from tokenizer ${tokenizer} was lost`));
  }

  /** Ends the request with an error. @param reason that the workers are told */
  fail(error: ApiError, reason: AbortReason = AbortReason.attemptFailed): void {
    this.#end(RequestEnd.failed, error.code, () => {
      this.#abortParties(reason);
      this.#parts.sink.fail(error);
    });
  }

  /** The client is gone, or not worth waiting for. */
  abort(reason: AbortReason): void {
    this.#end(RequestEnd.aborted, reason, () => {
      this.#abortParties(reason);
      this.#parts.sink.drop();
    });
  }

  async #encode(tokenizer: WorkerId): Promise<readonly number[]> {
    const { rid, chat, cluster, observer } = this.#parts;
    this.#join(Role.tokenizer, tokenizer);
    const request = encodeRequest(rid, this.#attempt.number, cluster.gateway, chat);
    const reply = await cluster.encode(tokenizer, request, observer.trace);
    if ('error' in reply) throw encodeFailure(reply.error.code, reply.error.message);
    return reply.promptIds;
  }

  #dispatch(tokenizer: Worker): void {
    const { chat, router, cluster, observer, sink } = this.#parts;
    const route = router.route(tokenizer);
    observer.routed(route);
    const promptTokens = this.#promptIds.length;
    const freeTokens = route.contextLength - promptTokens;
    if (freeTokens < (chat.maxTokens ?? 1)) {
      throw contextLengthExceeded(route.contextLength, promptTokens, chat.maxTokens);
    }
    this.#join(Role.prefill, route.prefill.instance);
    this.#join(Role.decode, route.decode.instance);
    sink.open(route.prefill.serves.fingerprint);
    this.#state = RequestState.dispatched;
    const leg = this.#leg(tokenizer.instance, chat.maxTokens ?? freeTokens);
    const { prefill, decode } = route;
    cluster.prefill(prefill.instance, prefillLeg(leg, decode.instance), observer.trace);
    cluster.decode(decode.instance, decodeLeg(leg, prefill.instance), observer.trace);
    observer.dispatched();
  }

  #leg(tokenizer: WorkerId, maxNewTokens: number): LegBase {
    const { chat, cluster } = this.#parts;
    return {
      rid: this.rid,
      choice: 0,
      attempt: this.#attempt.number,
      choices: chat.choices,
      room: this.#attempt.room,
      gateway: cluster.gateway,
      tokenizer,
      promptIds: this.#promptIds,
      sampling: samplingParams(chat, maxNewTokens),
      deadlineMs: this.#deadlineMs,
    };
  }

  #take(index: number, choice: ChoiceProgress, tokens: readonly number[]): void {
    choice.append(tokens);
    this.#parts.observer.tokens(index, tokens.length);
    if (this.#state === RequestState.dispatched) {
      const { stallTimeoutMs } = this.#parts.limits;
      this.#state = RequestState.streaming;
      this.#stall = setTimeout(() => this.#onStall(), stallTimeoutMs);
    } else {
      this.#stall?.refresh();
    }
    // Token 0 is prefill's, every later one decode's.
    if (choice.tokenIds.length > 1 && !this.#attempt.handedOver) this.#handOver();
  }

  #handOver(): void {
    this.#attempt.handOver();
    const prefill = this.#attempt.instance(Role.prefill);
    if (prefill !== null) this.#parts.router.inFlight.remove(prefill);
  }

  #finishChoice(entry: TextEntry, choice: ChoiceProgress): void {
    const end = choiceEnd(entry.finish);
    if (end === null) {
      this.fail(workerFailure(FailureCode.engineError, `choice ${entry.choice} ended without a result`));
      return;
    }
    choice.finished = true;
    this.#parts.sink.finish(entry.choice, end);
    const stopMatched = typeof entry.matchedStop === 'string';
    this.#stopMatched ||= stopMatched;
    if (this.#choices.every(({ finished }) => finished)) this.#finish();
    else if (stopMatched) this.#abortParty(Role.decode, entry.choice, AbortReason.stopMatched);
  }

  #finish(): void {
    this.#end(RequestEnd.finished, null, () => {
      if (this.#stopMatched) this.#stopWorkers();
      this.#parts.sink.end(this.#usage);
    });
  }

  /** Workers do not know of stop strings: decode goes on, and before its first token prefill may still be sending KV. */
  #stopWorkers(): void {
    this.#abortParty(Role.decode, null, AbortReason.stopMatched);
    if (!this.#attempt.handedOver) this.#abortParty(Role.prefill, null, AbortReason.stopMatched);
  }

  #onStall(): void {
    const { stallTimeoutMs } = this.#parts.limits;
    this.fail(workerFailure(FailureCode.tokenLost, `no token came for ${stallTimeoutMs} ms`));
  }

  /** The one way into `ended`, passed once: `tell` says it to workers and client, and whatever that does, it counts. */
  #end(end: RequestEnd, reason: string | null, tell: () => void): void {
    if (this.#state === RequestState.ended) return;
    this.#state = RequestState.ended;
    clearTimeout(this.#deadline);
    if (this.#stall !== null) clearTimeout(this.#stall);
    const { observer, router } = this.#parts;
    for (const { role, instance } of this.#attempt.parties) {
      if (this.#attempt.dependsOn(role, instance)) router.inFlight.remove(instance);
    }
    try {
      this.#onEnd();
      tell();
    } finally {
      observer.ended(end, this.#usage, reason);
    }
  }

  #join(role: WorkerRole, instance: WorkerId): void {
    this.#attempt.join(role, instance);
    this.#parts.router.inFlight.add(instance);
  }

  #abortParties(reason: AbortReason): void {
    for (const { role } of this.#attempt.parties) this.#abortParty(role, null, reason);
  }

  #abortParty(role: WorkerRole, choice: number | null, reason: AbortReason): void {
    const instance = this.#attempt.instance(role);
    if (instance === null) return;
    this.#parts.cluster.abort(role, instance, { rid: this.rid, choice, attempt: this.#attempt.number, reason });
  }

  get #usage(): Usage {
    let completionTokens = 0;
    for (const { tokenIds } of this.#choices) completionTokens += tokenIds.length;
    return { promptTokens: this.#promptIds.length, completionTokens };
  }
}
