import { Role, type EncodeRequest, type WorkerId } from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { contextLengthExceeded } from '../openai/api-errors.js';
import { NO_LIMITS, type RouteLimits } from '../routing/route-limits.js';
import type { Worker } from '../routing/worker-directory.js';
import type { Attempt } from './attempt.js';
import { encodeFailure } from './failure-errors.js';
import type { LifecycleParts } from './lifecycle-parts.js';
import { decodeLeg, encodeRequest, prefillLeg, type LegBase } from './messages.js';

/** What a second attempt knows of the first. */
export interface LostAttempt {
  readonly error: ApiError;
  /** Whom the second does without. */
  readonly suspects: RouteLimits;
  /** Preferred: it has nothing to do with what happened to the others. */
  readonly tokenizer: WorkerId | null;
}

/** Brings a request's attempts to the workers: the prompt to a tokenizer, then both legs to a pair. */
export class AttemptLauncher {
  readonly #parts: LifecycleParts;
  readonly #deadlineMs: number;
  #promptIds: readonly number[] = [];
  #promptText: string | null;
  /** Fingerprint of the model that the prompt was encoded for. */
  #encodedFor = '';

  /** @param deadlineMs epoch milliseconds */
  constructor(parts: LifecycleParts, deadlineMs: number) {
    const { prompt, withPromptText } = parts.request;
    this.#parts = parts;
    this.#deadlineMs = deadlineMs;
    this.#promptText = withPromptText && 'text' in prompt ? prompt.text : null;
  }

  /** Empty until it is encoded. */
  get promptIds(): readonly number[] {
    return this.#promptIds;
  }

  /** Null where the request does without. */
  get promptText(): string | null {
    return this.#promptText;
  }

  /** A reply after the attempt's end changes nothing. @returns the tokenizer that was chosen @throws ApiError */
  async encode(attempt: Attempt, lost: LostAttempt | null): Promise<Worker> {
    const { request, router, cluster, observer, ticket } = this.#parts;
    const limits = lost?.suspects ?? NO_LIMITS;
    const tokenizer = choose(() => router.tokenizer(request.model, limits, lost?.tokenizer ?? null), lost);
    const { instance, serves } = tokenizer;
    attempt.join(Role.tokenizer, instance);
    const message = this.#encodeRequest(attempt, serves.fingerprint);
    const reply = await cluster.encode(instance, message, observer.trace, attempt.signal);
    if ('error' in reply) throw encodeFailure(reply.error.code, reply.error.message);
    if (attempt.isOver) return tokenizer;
    this.#promptIds = reply.promptIds;
    this.#promptText = reply.text ?? this.#promptText;
    this.#encodedFor = serves.fingerprint;
    observer.tokenized(reply.promptIds.length);
    ticket.tokenized(reply.promptIds.length);
    return tokenizer;
  }

  /** @throws ApiError where there is no pair, or no room in its context */
  dispatch(attempt: Attempt, tokenizer: Worker, lost: LostAttempt | null): void {
    const { request, router, cluster, observer } = this.#parts;
    const route = choose(() => router.route(tokenizer, lost?.suspects ?? NO_LIMITS), lost);
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
    const leg = this.#leg(attempt, tokenizer.instance, request.maxTokens ?? freeTokens);
    cluster.prefill(prefill.instance, prefillLeg(leg, decode.instance), observer.trace);
    cluster.decode(decode.instance, decodeLeg(leg, prefill.instance), observer.trace);
    observer.dispatched();
  }

  /** A prompt is encoded once; a tokenizer is asked again because it has to expect the attempt's tokens. */
  #encodeRequest({ number }: Attempt, fingerprint: string): EncodeRequest {
    const { rid, request, cluster } = this.#parts;
    const isEncoded = this.#encodedFor === fingerprint && this.#promptIds.length > 0;
    return encodeRequest(request, cluster.gateway, {
      rid,
      attempt: number,
      prompt: isEncoded ? { ids: this.#promptIds } : request.prompt,
      withText: !isEncoded && request.withPromptText && 'ids' in request.prompt,
      deadlineMs: this.#deadlineMs,
    });
  }

  #leg({ number, room }: Attempt, tokenizer: WorkerId, maxNewTokens: number): LegBase {
    const { rid, request, cluster } = this.#parts;
    return {
      rid,
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
}

/** Who had workers before is told how it lost them, not that there are no others. */
function choose<T>(choice: () => T, lost: LostAttempt | null): T {
  try {
    return choice();
  } catch (error) {
    throw lost?.error ?? error;
  }
}
