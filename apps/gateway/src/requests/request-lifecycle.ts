import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortReason,
  FailureCode,
  FinishReason,
  Role,
  type EncodePrompt,
  type Failed,
  type RequestId,
  type TextEntry,
  type WorkerId,
  type WorkerRole,
} from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { contextLengthExceeded, deadlineExceeded } from '../openai/api-errors.js';
import type { CompletionSink, Usage } from '../openai/completion-sink.js';
import { NO_LIMITS, type RouteLimits } from '../routing/route-limits.js';
import type { Router } from '../routing/router.js';
import type { Worker } from '../routing/worker-directory.js';
import type { Ticket } from './admission.js';
import { Attempt } from './attempt.js';
import type { ChoiceProgress } from './choice-progress.js';
import type { ClusterPort } from './cluster-port.js';
import { choiceEnd } from './choice-end.js';
import { encodeFailure, toApiError, workerFailure } from './failure-errors.js';
import type { GenerationRequest } from './generation-request.js';
import { decodeLeg, encodeRequest, prefillLeg, type LegBase } from './messages.js';
import { RequestEnd, type RequestObserver } from './request-observer.js';
import { culpritOf, isRetryable, suspectsOf } from './suspects.js';

/** A failed attempt is made up for once: what fails twice is hardly the workers' fault. */
const MAX_ATTEMPTS = 2;
/** How long after nats-server was lost a request waits to hear of workers again, and how often it looks. */
const OUTAGE_PATIENCE_MS = 10_000;
const OUTAGE_POLL_MS = 50;

export interface RequestLimits {
  /** From admission to the last byte, whatever the attempts. */
  readonly timeoutMs: number;
  /** Between two tokens. */
  readonly stallTimeoutMs: number;
}

export interface LifecycleParts {
  readonly rid: RequestId;
  /** 16 hex characters; a second attempt has one of its own. */
  readonly room: string;
  readonly request: GenerationRequest;
  readonly sink: CompletionSink;
  readonly observer: RequestObserver;
  readonly ticket: Ticket;
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
 * `tokenizing → dispatched → streaming → ended`, and to `ended` from each of them. A worker's failure leads back to
 * `tokenizing`, once, while nothing has left for the client. Whatever ends it (the last choice, an error, a timeout, the
 * client), the first one wins and the rest is ignored; unless it finished by itself, every worker that takes part is told
 * to abort.
 */
export class RequestLifecycle {
  readonly rid: RequestId;
  readonly #parts: LifecycleParts;
  readonly #onEnd: (end: RequestEnd, code: string | null) => void;
  readonly #deadlineMs: number;
  readonly #deadline: NodeJS.Timeout;
  #stall: NodeJS.Timeout | null = null;
  #state: RequestState = RequestState.tokenizing;
  #attempt: Attempt;
  #promptIds: readonly number[] = [];
  /** Of the model that the prompt was encoded for. */
  #encodedFor = '';
  /** Why the first attempt failed, and whom the second does without. */
  #failure: ApiError | null = null;
  #suspects: RouteLimits = NO_LIMITS;

  /** @param onEnd called once, before the client hears of the end; the code is that of an end other than `finished` */
  constructor(parts: LifecycleParts, onEnd: (end: RequestEnd, code: string | null) => void = () => {}) {
    const { timeoutMs } = parts.limits;
    this.rid = parts.rid;
    this.#parts = parts;
    this.#attempt = new Attempt(0, parts.room, parts.request.choices, parts.router.inFlight);
    this.#onEnd = onEnd;
    this.#deadlineMs = Date.now() + timeoutMs;
    this.#deadline = setTimeout(() => this.fail(deadlineExceeded(timeoutMs), AbortReason.deadline), timeoutMs);
  }

  get state(): RequestState {
    return this.#state;
  }

  /** Takes the request up to both legs; never rejects: an error ends the request. */
  async start(): Promise<void> {
    if (this.#state === RequestState.ended) return;
    this.#parts.observer.admitted();
    await this.#run(this.#attempt);
  }

  /** Text and tokens of one choice. @returns false if it came too late: of an older attempt, or after the end */
  onText(entry: TextEntry): boolean {
    if (this.#state === RequestState.ended || entry.attempt !== this.#attempt.number) return false;
    const choice = this.#attempt.choices[entry.choice];
    if (choice === undefined || choice.finished) return false;
    if (entry.index !== choice.tokenIds.length) {
      const message = `text of choice ${entry.choice} goes on at token ${entry.index}, not ${choice.tokenIds.length}`;
      this.#attemptFailed(workerFailure(FailureCode.frameLost, message));
      return true;
    }
    this.#openSink();
    if (entry.tokens.length > 0) this.#take(entry.choice, choice, entry.tokens);
    const { text, tokens: tokenIds, logprobs } = entry;
    const isEmpty = text === '' && tokenIds.length === 0;
    if (!isEmpty && !this.#parts.sink.text(entry.choice, { text, tokenIds, logprobs })) {
      this.abort(AbortReason.slowClient);
    } else if (entry.finish !== FinishReason.none) {
      this.#finishChoice(entry, choice);
    }
    return true;
  }

  /** A worker gave up. */
  onFailed(failed: Failed): void {
    if (failed.attempt !== this.#attempt.number) return;
    const { code, message, from } = failed;
    const error = workerFailure(code, `${from.role} ${from.instance}: ${message}`);
    this.#attemptFailed(error, culpritOf(this.#attempt, failed));
  }

  onWorkerLost(role: WorkerRole, instance: WorkerId): void {
    if (!this.#attempt.dependsOn(role, instance)) return;
    this.#attemptFailed(workerFailure(FailureCode.workerLost, `${role} worker ${instance} was lost`), instance);
  }

  /** Frames of this tokenizer did not arrive; any request on it may miss text. */
  onFramesLost(tokenizer: WorkerId): void {
    if (!this.#attempt.dependsOn(Role.tokenizer, tokenizer)) return;
    this.#attemptFailed(workerFailure(FailureCode.frameLost, `text from tokenizer ${tokenizer} was lost`));
  }

  /** nats-server is away, and with it perhaps what was on its way: a leg that was lost shows by nothing else. */
  onBrokerLost(): void {
    if (this.#state === RequestState.streaming) return;
    this.#attemptFailed(workerFailure(FailureCode.workerLost, 'the connection to nats-server was lost'), null, true);
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

  /** Ends as another prompt of the same HTTP request did, of which the client is told already. */
  endWith(end: RequestEnd, code: string | null): void {
    const reason = end === RequestEnd.aborted ? AbortReason.clientDisconnected : AbortReason.attemptFailed;
    this.#end(end, code, () => this.#abortParties(reason));
  }

  async #run(attempt: Attempt, preferred: WorkerId | null = null): Promise<void> {
    const { request, router, observer, ticket } = this.#parts;
    try {
      const tokenizer = this.#choose(() => router.tokenizer(request.model, this.#suspects, preferred));
      const promptIds = await this.#encode(attempt, tokenizer);
      if (!this.#isCurrent(attempt)) return;
      this.#promptIds = promptIds;
      this.#encodedFor = tokenizer.serves.fingerprint;
      observer.tokenized(promptIds.length);
      ticket.tokenized(promptIds.length);
      this.#dispatch(attempt, tokenizer);
      if (!(await this.#isBrokerThere()) && this.#isCurrent(attempt)) this.onBrokerLost();
    } catch (cause) {
      const error = toApiError(cause);
      // Either the tokenizer or nats-server did not answer.
      const isOutage = error.code === FailureCode.workerLost && !(await this.#isBrokerThere());
      if (this.#isCurrent(attempt)) this.#attemptFailed(error, attempt.instance(Role.tokenizer), isOutage);
    }
  }

  #isBrokerThere(): Promise<boolean> {
    return this.#parts.cluster.flushed().then(
      () => true,
      () => false,
    );
  }

  /** Who had workers before is told how it lost them, not that there are no others. */
  #choose<T>(choice: () => T): T {
    try {
      return choice();
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  async #encode(attempt: Attempt, { instance, serves }: Worker): Promise<readonly number[]> {
    const { rid, request, cluster, observer } = this.#parts;
    // A prompt is encoded once; the tokenizer is asked again because it has to expect the attempt's tokens.
    const isEncoded = this.#encodedFor === serves.fingerprint && this.#promptIds.length > 0;
    const prompt: EncodePrompt = isEncoded ? { ids: this.#promptIds } : request.prompt;
    attempt.join(Role.tokenizer, instance);
    const message = encodeRequest(rid, attempt.number, cluster.gateway, prompt, request);
    const reply = await cluster.encode(instance, message, observer.trace, attempt.signal);
    if ('error' in reply) throw encodeFailure(reply.error.code, reply.error.message);
    return reply.promptIds;
  }

  #dispatch(attempt: Attempt, tokenizer: Worker): void {
    const { request, router, cluster, observer } = this.#parts;
    const route = this.#choose(() => router.route(tokenizer, this.#suspects));
    observer.routed(route);
    const promptTokens = this.#promptIds.length;
    const freeTokens = route.contextLength - promptTokens;
    if (freeTokens < (request.maxTokens ?? 1)) {
      throw contextLengthExceeded(route.contextLength, promptTokens, request.maxTokens);
    }
    const { prefill, decode } = route;
    attempt.join(Role.prefill, prefill.instance);
    attempt.join(Role.decode, decode.instance);
    attempt.fingerprint = prefill.serves.fingerprint;
    this.#state = RequestState.dispatched;
    const leg = this.#leg(attempt, tokenizer.instance, request.maxTokens ?? freeTokens);
    cluster.prefill(prefill.instance, prefillLeg(leg, decode.instance), observer.trace);
    cluster.decode(decode.instance, decodeLeg(leg, prefill.instance), observer.trace);
    observer.dispatched();
  }

  #leg({ number, room }: Attempt, tokenizer: WorkerId, maxNewTokens: number): LegBase {
    const { request, cluster } = this.#parts;
    return {
      rid: this.rid,
      choice: 0,
      attempt: number,
      choices: request.choices,
      room,
      gateway: cluster.gateway,
      tokenizer,
      promptIds: this.#promptIds,
      sampling: { ...request.sampling, maxNewTokens },
      deadlineMs: this.#deadlineMs,
    };
  }

  /** @param isOutage nobody is at fault, but all have to be heard of again */
  #attemptFailed(error: ApiError, culprit: WorkerId | null = null, isOutage = false): void {
    if (this.#state === RequestState.ended) return;
    const { sink, router, request } = this.#parts;
    const suspects = isOutage ? NO_LIMITS : suspectsOf(this.#attempt, error.code, culprit);
    const mayRetry = isRetryable(error.code) && this.#attempt.number + 1 < MAX_ATTEMPTS && !sink.hasSent;
    if (!mayRetry || !(isOutage || router.canServe(request.model, suspects))) this.fail(error);
    else void this.#retry(error, suspects, isOutage);
  }

  async #retry(error: ApiError, suspects: RouteLimits, isOutage: boolean): Promise<void> {
    const { observer, request, router } = this.#parts;
    const old = this.#attempt;
    const room = randomBytes(8).toString('hex');
    const attempt = new Attempt(old.number + 1, room, request.choices, router.inFlight);
    this.#abortParties(AbortReason.superseded);
    old.leave();
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
    this.#state = RequestState.tokenizing;
    this.#attempt = attempt;
    this.#failure = error;
    this.#suspects = suspects;
    observer.retried(attempt.number, error.code);
    const untilMs = performance.now() + OUTAGE_PATIENCE_MS;
    while (isOutage) {
      await sleep(OUTAGE_POLL_MS);
      if (!this.#isCurrent(attempt)) return;
      if (router.canServe(request.model, suspects) || performance.now() > untilMs) break;
    }
    await this.#run(attempt, old.instance(Role.tokenizer));
  }

  #isCurrent(attempt: Attempt): boolean {
    return this.#state !== RequestState.ended && this.#attempt === attempt;
  }

  /** Only with the first token, until which an attempt leaves no trace in the answer. */
  #openSink(): void {
    if (this.#attempt.opened) return;
    this.#attempt.opened = true;
    this.#parts.sink.promptReady(this.#promptIds);
    this.#parts.sink.open(this.#attempt.fingerprint);
  }

  #take(index: number, choice: ChoiceProgress, tokens: readonly number[]): void {
    choice.append(tokens);
    this.#parts.observer.tokens(index, tokens.length);
    if (this.#state === RequestState.dispatched) {
      const { stallTimeoutMs } = this.#parts.limits;
      this.#state = RequestState.streaming;
      this.#parts.ticket.started();
      this.#stall = setTimeout(() => this.#onStall(), stallTimeoutMs);
    } else {
      this.#stall?.refresh();
    }
    // Token 0 is prefill's, every later one decode's.
    if (choice.tokenIds.length > 1) this.#attempt.handOver();
  }

  #finishChoice(entry: TextEntry, choice: ChoiceProgress): void {
    const end = choiceEnd(entry.finish);
    if (end === null) {
      const message = `choice ${entry.choice} ended without a result`;
      this.#attemptFailed(workerFailure(FailureCode.engineError, message));
      return;
    }
    choice.finished = true;
    this.#parts.sink.finish(entry.choice, end, entry.matchedStop);
    const stopMatched = typeof entry.matchedStop === 'string';
    this.#attempt.stopMatched ||= stopMatched;
    if (this.#attempt.finished) this.#finish();
    else if (stopMatched) this.#abortParty(Role.decode, entry.choice, AbortReason.stopMatched);
  }

  #finish(): void {
    this.#end(RequestEnd.finished, null, () => {
      if (this.#attempt.stopMatched) this.#stopWorkers();
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
    this.#attemptFailed(workerFailure(FailureCode.tokenLost, `no token came for ${stallTimeoutMs} ms`));
  }

  /** The one way into `ended`, passed once: `tell` says it to workers and client, and whatever that does, it counts. */
  #end(end: RequestEnd, code: string | null, tell: () => void): void {
    if (this.#state === RequestState.ended) return;
    this.#state = RequestState.ended;
    clearTimeout(this.#deadline);
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#attempt.leave();
    this.#parts.ticket.leave();
    try {
      this.#onEnd(end, code);
      tell();
    } finally {
      this.#parts.observer.ended(end, this.#usage, code);
    }
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
    return { promptTokens: this.#promptIds.length, completionTokens: this.#attempt.completionTokens };
  }
}
