import { batchStep } from '../batch.js';
import { now, tsOfHrtime } from '../clock.js';
import { AttributeName, SliceName } from '../names.js';
import type { RequestTrace } from '../request-trace.js';
import { registerThread } from '../thread.js';
import { DecodeForward, PrefillForward, type ForwardTrace, type Step } from './forward-trace.js';
import { forwardMode } from './forward-mode.js';
import type { ObservedBatch, ObservedForward, ObservedSequence, ObservedToken } from './observed-engine.js';
import type { Stages } from './stages.js';

interface TracedRequest {
  /** Until its tokens have left. */
  prompt: PrefillForward | null;
  /** By choice. */
  readonly choices: (DecodeForward | undefined)[];
  /** Makes those that nobody has told of; null where all are told. */
  readonly open: ((choice: number) => DecodeForward) | null;
}

const NOBODY: readonly ObservedSequence[] = [];

/**
 * An engine's observer that makes slices of what it sees: `prefill_forward`, `decode_forward` and what is nested in them, and
 * one batch step for all members of a forward. It knows only requests that are traced, and without any it does nothing.
 */
export class EngineTracer {
  readonly #thread = registerThread({ label: 'engine', tpRank: 0 });
  readonly #requests = new Map<string, TracedRequest>();
  /** Those traced of the forward under way, and at which place of the batch they are. */
  readonly #members: ForwardTrace[] = [];
  readonly #places: number[] = [];
  #step: Step | undefined;
  #batch = NOBODY;

  /** A prompt that is to be computed. @param waiting ends with the first forward that it is in */
  watchPrompt(id: string, waiting: Stages, promptTokens: number): void {
    if (waiting.trace.level === 0) return;
    this.#request(id).prompt = new PrefillForward(waiting, this.#thread, promptTokens);
  }

  /** Choices that are to be decoded. @param waiting ends with the first forward that one of them is in */
  watchChoices(id: string, waiting: Stages, choices: readonly number[]): void {
    if (waiting.trace.level === 0) return;
    const request = this.#request(id);
    for (const choice of choices) {
      request.choices[choice] = new DecodeForward(waiting, this.#thread, choice, request.prompt);
    }
  }

  /** A prompt that is to be computed and decoded here, in however many choices. */
  watchAll(id: string, waiting: Stages, promptTokens: number): void {
    if (waiting.trace.level === 0) return;
    const prompt = new PrefillForward(waiting, this.#thread, promptTokens);
    const open = (choice: number): DecodeForward => new DecodeForward(waiting, this.#thread, choice, prompt);
    this.#requests.set(id, { prompt, choices: [], open });
  }

  /** A prompt's visit to the engine, while it is computed. */
  promptTrace(id: string): RequestTrace | null {
    return this.#requests.get(id)?.prompt?.trace ?? null;
  }

  /** A choice whose first token was its last never comes to the engine. @param ts when its KV was whole */
  quickFinish(trace: RequestTrace, choice: number, ts: number): void {
    const visit = trace.visit({ thread: this.#thread, choice, ts });
    const endTs = now();
    visit.slice(SliceName.quickFinish, ts, endTs);
    visit.finish({ ts: endTs });
  }

  onSchedule(batch: ObservedBatch): void {
    if (this.#requests.size === 0) return;
    const { forward, sequences, retracted } = batch;
    const scheduledTs = now();
    for (let i = 0; i < retracted.length; i++) this.#find(retracted[i]!)?.retract(scheduledTs);
    const { bid } = forward;
    const attributes = {
      [AttributeName.bid]: bid,
      [AttributeName.batchSize]: sequences.length,
      [AttributeName.forwardMode]: forwardMode(batch),
    };
    const step: Step = { bid, scheduledTs, isNewBatch: !areEqual(sequences, this.#batch), attributes };
    this.#step = step;
    this.#batch = sequences;
    this.#members.length = this.#places.length = 0;
    for (let i = 0; i < sequences.length; i++) {
      const member = this.#find(sequences[i]!);
      if (!member) continue;
      member.schedule(step, forward.runs[i]!);
      this.#members.push(member);
      this.#places.push(i);
    }
  }

  onForward(batch: ObservedBatch, { startNs, endNs }: ObservedForward): void {
    if (this.#members.length === 0) return;
    const { forward } = batch;
    const step = this.#step;
    // The members of a forward that failed are still here.
    if (step?.bid !== forward.bid) return;
    const startTs = tsOfHrtime(startNs);
    const endTs = tsOfHrtime(endNs);
    const members: RequestTrace[] = [];
    for (let i = 0; i < this.#members.length; i++) {
      if (!this.#members[i]!.isEnded) members.push(this.#members[i]!.trace);
    }
    const attributes = Object.assign({ [AttributeName.tokens]: forward.tokenIds.length }, step.attributes);
    const span = batchStep({ thread: this.#thread, startTs, endTs, attributes, members });
    for (let i = 0; i < this.#members.length; i++) {
      const member = this.#members[i]!;
      if (!member.isEnded) member.forwarded(step, forward.runs[this.#places[i]!]!, startTs, endTs, span);
    }
    this.#members.length = 0;
  }

  /** A step's tokens are on their way to whom they are for: to be called before their requests end. */
  tokensLeft(tokens: readonly ObservedToken[]): void {
    if (this.#requests.size === 0) return;
    const ts = now();
    for (let i = 0; i < tokens.length; i++) this.tokenLeft(tokens[i]!, ts);
  }

  tokenLeft({ id, choice, index, finish }: ObservedToken, ts: number): void {
    const request = this.#requests.get(id);
    if (!request) return;
    const forward = request.choices[choice];
    if (index === 0) {
      request.prompt?.end(ts, null);
      request.prompt = null;
    } else forward?.tokenLeft(ts);
    if (finish !== null) forward?.end(ts, null);
  }

  /** One of several choices is over. @param reason of an end as an error */
  endChoice(id: string, choice: number, reason: string | null): void {
    const request = this.#requests.get(id);
    const forward = request?.choices[choice];
    if (!request || !forward) return;
    forward.end(now(), reason);
    request.choices[choice] = undefined;
  }

  /** The request is over: to be called before its trace is. @param reason as of `endChoice` */
  end(id: string, reason: string | null): void {
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    const ts = now();
    request.prompt?.end(ts, reason);
    for (const choice of request.choices) choice?.end(ts, reason);
    if (this.#requests.size > 0) return;
    // What is left of the last batch would stay until the next request that is traced.
    this.#batch = NOBODY;
    this.#members.length = this.#places.length = 0;
  }

  #request(id: string): TracedRequest {
    let request = this.#requests.get(id);
    if (!request) this.#requests.set(id, (request = { prompt: null, choices: [], open: null }));
    return request;
  }

  #find({ request: { id }, choice }: ObservedSequence): ForwardTrace | undefined {
    const request = this.#requests.get(id);
    if (!request) return undefined;
    return request.prompt ?? (request.choices[choice] ??= request.open?.(choice));
  }
}

function areEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
