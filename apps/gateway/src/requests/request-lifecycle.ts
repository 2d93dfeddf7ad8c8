import {
  AbortReason,
  FailureCode,
  FinishReason,
  Role,
  type Failed,
  type RequestId,
  type TextEntry,
  type WorkerId,
  type WorkerRole,
} from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { deadlineExceeded } from '../openai/api-errors.js';
import type { Usage } from '../openai/completion-sink.js';
import { NO_LIMITS, type RouteLimits } from '../routing/route-limits.js';
import { AttemptAborts } from './attempt-aborts.js';
import { AttemptLauncher, type LostAttempt } from './attempt-launcher.js';
import { Attempt } from './attempt.js';
import { isBrokerThere, waitForWorkers } from './broker-outage.js';
import type { ChoiceProgress } from './choice-progress.js';
import { choiceEnd } from './choice-end.js';
import { reportedFailure, toApiError, workerFailure } from './failure-errors.js';
import type { LifecycleParts } from './lifecycle-parts.js';
import { RequestEnd } from './request-observer.js';
import { RequestTimers } from './request-timers.js';
import { culpritOf, isRetryable, suspectsOf } from './suspects.js';

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
  readonly #timers: RequestTimers;
  readonly #launcher: AttemptLauncher;
  readonly #aborts: AttemptAborts;
  #state: RequestState = RequestState.tokenizing;
  #attempt: Attempt;

  /** @param onEnd called once, before the client hears of the end; the code is that of an end other than `finished` */
  constructor(parts: LifecycleParts, onEnd: (end: RequestEnd, code: string | null) => void = () => {}) {
    this.rid = parts.rid;
    this.#parts = parts;
    this.#attempt = new Attempt(0, parts.room, parts.request.choices, parts.router.inFlight);
    this.#onEnd = onEnd;
    const { timeoutMs, stallTimeoutMs } = parts.limits;
    const stalled = `no token came for ${stallTimeoutMs} ms`;
    this.#timers = new RequestTimers(parts.limits, {
      onDeadline: () => this.fail(deadlineExceeded(timeoutMs), AbortReason.deadline),
      onStall: () => this.#attemptFailed(workerFailure(FailureCode.tokenLost, stalled)),
    });
    this.#launcher = new AttemptLauncher(parts, this.#timers.deadlineMs);
    this.#aborts = new AttemptAborts(parts.rid, parts.cluster);
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
    const choice = this.#attempt.openChoice(entry);
    if (choice === null) return false;
    if (entry.index !== choice.tokenIds.length) {
      const message = `text of choice ${entry.choice} goes on at token ${entry.index}, not ${choice.tokenIds.length}`;
      this.#attemptFailed(workerFailure(FailureCode.frameLost, message));
      return true;
    }
    this.#openSink();
    const { text, tokens: tokenIds, logprobs } = entry;
    if (tokenIds.length > 0) this.#take(entry.choice, choice, tokenIds);
    const isEmpty = text === '' && tokenIds.length === 0;
    const keepsUp = isEmpty || this.#parts.sink.text(entry.choice, { text, tokenIds, logprobs });
    if (!keepsUp) this.abort(AbortReason.slowClient);
    else if (entry.finish !== FinishReason.none) this.#finishChoice(entry, choice);
    return true;
  }

  /** A worker gave up. */
  onFailed(failed: Failed): void {
    if (failed.attempt !== this.#attempt.number) return;
    this.#attemptFailed(reportedFailure(failed), culpritOf(this.#attempt, failed));
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
      this.#aborts.all(this.#attempt, reason);
      this.#parts.sink.fail(error);
    });
  }

  /** The client is gone, or not worth waiting for. */
  abort(reason: AbortReason): void {
    this.#end(RequestEnd.aborted, reason, () => {
      this.#aborts.all(this.#attempt, reason);
      this.#parts.sink.drop();
    });
  }

  /** Ends as another prompt of the same HTTP request did, of which the client is told already. */
  endWith(end: RequestEnd, code: string | null): void {
    const reason = end === RequestEnd.aborted ? AbortReason.clientDisconnected : AbortReason.attemptFailed;
    this.#end(end, code, () => this.#aborts.all(this.#attempt, reason));
  }

  async #run(attempt: Attempt, lost: LostAttempt | null = null): Promise<void> {
    const { cluster } = this.#parts;
    try {
      const tokenizer = await this.#launcher.encode(attempt, lost);
      if (attempt.isOver) return;
      this.#state = RequestState.dispatched;
      this.#launcher.dispatch(attempt, tokenizer, lost);
      if (!(await isBrokerThere(cluster)) && !attempt.isOver) this.onBrokerLost();
    } catch (cause) {
      const error = toApiError(cause);
      // Either the tokenizer or nats-server did not answer.
      const isOutage = error.code === FailureCode.workerLost && !(await isBrokerThere(cluster));
      if (!attempt.isOver) this.#attemptFailed(error, attempt.instance(Role.tokenizer), isOutage);
    }
  }

  /** @param isOutage nobody is at fault, but all have to be heard of again */
  #attemptFailed(error: ApiError, culprit: WorkerId | null = null, isOutage = false): void {
    if (this.#state === RequestState.ended) return;
    const { sink, router, request } = this.#parts;
    const suspects = isOutage ? NO_LIMITS : suspectsOf(this.#attempt, error.code, culprit);
    const mayRetry = isRetryable(this.#attempt, error.code) && !sink.hasSent;
    if (mayRetry && (isOutage || router.canServe(request.model, suspects))) void this.#retry(error, suspects, isOutage);
    else this.fail(error);
  }

  async #retry(error: ApiError, suspects: RouteLimits, isOutage: boolean): Promise<void> {
    const { observer, request, router } = this.#parts;
    const old = this.#attempt;
    const attempt = old.next();
    this.#aborts.all(old, AbortReason.superseded);
    old.leave();
    this.#timers.expectNoToken();
    this.#state = RequestState.tokenizing;
    this.#attempt = attempt;
    observer.retried(attempt, error.code);
    if (isOutage) await waitForWorkers(attempt, () => router.canServe(request.model, suspects));
    if (attempt.isOver) return;
    await this.#run(attempt, { error, suspects, tokenizer: old.instance(Role.tokenizer) });
  }

  /** Only with the first token, until which an attempt leaves no trace in the answer. */
  #openSink(): void {
    if (this.#attempt.opened) return;
    this.#attempt.opened = true;
    this.#parts.sink.promptReady(this.#launcher.promptIds, this.#launcher.promptText);
    this.#parts.sink.open(this.#attempt.fingerprint);
  }

  #take(index: number, choice: ChoiceProgress, tokens: readonly number[]): void {
    this.#attempt.take(choice, tokens);
    this.#parts.observer.tokens(index, tokens.length);
    if (this.#state === RequestState.dispatched) {
      this.#state = RequestState.streaming;
      this.#parts.ticket.started();
    }
    this.#timers.tokenCame();
  }

  #finishChoice(entry: TextEntry, choice: ChoiceProgress): void {
    const end = choiceEnd(entry.finish);
    if (end === null) {
      const message = `choice ${entry.choice} ended without a result`;
      this.#attemptFailed(workerFailure(FailureCode.engineError, message));
      return;
    }
    choice.finished = true;
    this.#parts.observer.choiceEnded(entry.choice, end);
    this.#parts.sink.finish(entry.choice, end, entry.matchedStop);
    const stopMatched = typeof entry.matchedStop === 'string';
    this.#attempt.stopMatched ||= stopMatched;
    if (this.#attempt.finished) this.#finish();
    else if (stopMatched) this.#aborts.one(this.#attempt, Role.decode, entry.choice, AbortReason.stopMatched);
  }

  #finish(): void {
    this.#end(RequestEnd.finished, null, () => {
      if (this.#attempt.stopMatched) this.#aborts.stopped(this.#attempt);
      this.#parts.sink.end(this.#usage);
    });
  }

  /** The one way into `ended`, passed once: `tell` says it to workers and client, and whatever that does, it counts. */
  #end(end: RequestEnd, code: string | null, tell: () => void): void {
    if (this.#state === RequestState.ended) return;
    this.#state = RequestState.ended;
    this.#timers.stop();
    this.#attempt.leave();
    this.#parts.ticket.leave();
    try {
      this.#onEnd(end, code);
      tell();
    } finally {
      this.#parts.observer.ended(end, this.#usage, code);
    }
  }

  get #usage(): Usage {
    return { promptTokens: this.#launcher.promptIds.length, completionTokens: this.#attempt.completionTokens };
  }
}
