import { BatchMembers, beginStep, endStep } from '../batch.js';
import { now, tsOfHrtime } from '../clock.js';
import { AttributeName, SliceName } from '../names.js';
import type { RequestTrace } from '../request-trace.js';
import { registerThread } from '../thread.js';
import { DecodeForward, PrefillForward, type ForwardTrace, type Step, type Steps } from './forward-trace.js';
import { forwardMode, type ForwardMode } from './forward-mode.js';
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
  /** Those traced of the batch, and at which place of it they are. */
  readonly #members: ForwardTrace[] = [];
  readonly #places: number[] = [];
  /** The members as a step links to them; null when they are others than in the last one. */
  #linked: BatchMembers | null = null;
  #steps: Steps = { last: 0 };
  /** One of the members records each step; the others of a batch that stays need not be looked at. */
  #hasDetails = false;
  /** Somebody came, went, or began to decode since the members were found. */
  #isChanged = true;
  /** Of the forward under way; -1 where there is none. */
  #bid = -1;
  #scheduledTs = 0;
  #batch = NOBODY;
  #mode: ForwardMode = 'mixed';

  /** A prompt that is to be computed. @param waiting ends with the first forward that it is in */
  watchPrompt(id: string, waiting: Stages, promptTokens: number): void {
    if (waiting.trace.level === 0) return;
    this.#isChanged = true;
    this.#request(id).prompt = new PrefillForward(waiting, this.#thread, promptTokens);
  }

  /** Choices that are to be decoded. @param waiting ends with the first forward that one of them is in */
  watchChoices(id: string, waiting: Stages, choices: readonly number[]): void {
    if (waiting.trace.level === 0) return;
    this.#isChanged = true;
    const request = this.#request(id);
    for (const choice of choices) {
      request.choices[choice] = new DecodeForward(waiting, this.#thread, choice, request.prompt);
    }
  }

  /** A prompt that is to be computed and decoded here, in however many choices. */
  watchAll(id: string, waiting: Stages, promptTokens: number): void {
    if (waiting.trace.level === 0) return;
    this.#isChanged = true;
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
    const { bid, runs, tokenIds } = forward;
    const isNewBatch = !areEqual(sequences, this.#batch);
    // A batch that decodes goes on decoding.
    if (isNewBatch || this.#mode !== 'decode' || tokenIds.length !== runs.length) this.#mode = forwardMode(batch);
    this.#batch = sequences;
    const isFound = !isNewBatch && !this.#isChanged;
    if (!isFound) this.#findMembers(sequences);
    this.#bid = this.#steps.last = bid;
    this.#scheduledTs = scheduledTs;
    if (isFound && !this.#hasDetails) return;
    this.#hasDetails = false;
    const attributes = {
      [AttributeName.bid]: bid,
      [AttributeName.batchSize]: sequences.length,
      [AttributeName.forwardMode]: this.#mode,
    };
    const step: Step = { bid, scheduledTs, isNewBatch, attributes, steps: this.#steps };
    for (let i = 0; i < this.#members.length; i++) {
      const member = this.#members[i]!;
      member.schedule(step, runs[this.#places[i]!]!);
      this.#hasDetails ||= member.hasDetails;
    }
  }

  onForward(batch: ObservedBatch, { startNs, endNs }: ObservedForward): void {
    if (this.#members.length === 0) return;
    const { bid, runs, tokenIds } = batch.forward;
    // The members of a forward that failed are still here.
    if (this.#bid !== bid) return;
    this.#bid = -1;
    const startTs = tsOfHrtime(startNs);
    const endTs = tsOfHrtime(endNs);
    if (this.#linked === null || this.#isChanged) this.#linked = this.#membersLeft();
    const writer = beginStep(startTs, endTs, this.#linked);
    if (writer !== null) {
      writer.fixedAttributes(this.#thread.attributes);
      writer.attribute(AttributeName.tokens, tokenIds.length);
      writer.attribute(AttributeName.bid, bid);
      writer.attribute(AttributeName.batchSize, this.#batch.length);
      writer.attribute(AttributeName.forwardMode, this.#mode);
    }
    const span = writer && endStep(writer);
    if (!this.#hasDetails) return;
    for (let i = 0; i < this.#members.length; i++) {
      const member = this.#members[i]!;
      if (!member.isEnded) member.forwarded(runs[this.#places[i]!]!, this.#scheduledTs, startTs, endTs, span);
    }
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
      this.#isChanged = true;
    } else forward?.tokenLeft(ts);
    if (finish === null || !forward) return;
    forward.end(ts, null);
    this.#isChanged = true;
  }

  /** One of several choices is over. @param reason of an end as an error */
  endChoice(id: string, choice: number, reason: string | null): void {
    const request = this.#requests.get(id);
    const forward = request?.choices[choice];
    if (!request || !forward) return;
    forward.end(now(), reason);
    request.choices[choice] = undefined;
    this.#isChanged = true;
  }

  /** The request is over: to be called before its trace is. @param reason as of `endChoice` */
  end(id: string, reason: string | null): void {
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    this.#isChanged = true;
    const ts = now();
    request.prompt?.end(ts, reason);
    for (const choice of request.choices) choice?.end(ts, reason);
    if (this.#requests.size > 0) return;
    // What is left of the last batch would stay until the next request that is traced.
    this.#batch = NOBODY;
    this.#members.length = this.#places.length = 0;
    this.#linked = null;
  }

  #findMembers(sequences: readonly ObservedSequence[]): void {
    this.#members.length = this.#places.length = 0;
    this.#linked = null;
    this.#steps = { last: 0 };
    this.#isChanged = false;
    for (let i = 0; i < sequences.length; i++) {
      const member = this.#find(sequences[i]!);
      if (!member) continue;
      this.#members.push(member);
      this.#places.push(i);
    }
  }

  /** Some may have been given up while their forward was computed. */
  #membersLeft(): BatchMembers {
    const traces: RequestTrace[] = [];
    for (let i = 0; i < this.#members.length; i++) {
      if (!this.#members[i]!.isEnded) traces.push(this.#members[i]!.trace);
    }
    return new BatchMembers(traces);
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
