import { EngineError } from '../errors.js';
import type { PagePool } from '../kv/page-pool.js';
import type { SampledToken } from '../sampling/sampling.js';
import { Admission } from './admission.js';
import { BatchBuilder, type ScheduledBatch } from './batch-builder.js';
import { Continuation } from './continuation.js';
import { EndRules } from './end-rules.js';
import { PageTables } from './page-tables.js';
import { Roster, type QueueAhead } from './roster.js';
import type { SchedulerLimits } from './scheduler-limits.js';
import { SequenceKind, type Sequence, type SequenceRequest, type TokenEvent } from './sequence.js';

export type { ScheduledBatch } from './batch-builder.js';
export type { SchedulerLimits } from './scheduler-limits.js';

export interface SchedulerLoad {
  readonly running: number;
  readonly waiting: number;
  readonly queuedTokens: number;
}

/**
 * Continuous batching with chunked prefill over a pool of KV pages. Pure bookkeeping: it says what to compute next and
 * takes in what came out; one batch at a time.
 *
 * Requests are served first come, first served, whether they are computed here or arrive from elsewhere. When no page
 * is free for a running sequence, the youngest one goes back to its place in the queue and is computed again.
 */
export class Scheduler {
  readonly #pages: PageTables;
  readonly #rules: EndRules;
  readonly #admission: Admission;
  readonly #continuation: Continuation;
  readonly #retracted: Sequence[] = [];
  #computing: ReadonlySet<Sequence> = new Set();
  #bid = 0;

  constructor(
    private readonly limits: SchedulerLimits,
    pool: PagePool,
    copyPage: (from: number, to: number) => void,
    private readonly roster = new Roster(limits.maxRunning),
  ) {
    this.#pages = new PageTables(pool, limits.pageTokens, copyPage);
    this.#rules = new EndRules(limits.eosTokenIds, Math.min(limits.contextLength, this.#pages.capacityTokens));
    this.#admission = new Admission(limits, this.roster, this.#pages, this.#rules);
    this.#continuation = new Continuation(this.roster, this.#pages, this.#rules);
  }

  get load(): SchedulerLoad {
    const { running, queue } = this.roster;
    const queuedTokens = queue.reduce((sum, { sequence }) => sum + sequence.remaining, 0);
    return { running: running.length, waiting: queue.length, queuedTokens };
  }

  aheadOf(id: string): QueueAhead {
    return this.roster.aheadOf(id);
  }

  /** Ids of requests that have not ended. */
  get liveIds(): string[] {
    return this.roster.ids;
  }

  /** Queues a request. @throws EngineError queue_full, prompt_too_long or bad_message */
  add(request: SequenceRequest): void {
    this.#admission.enqueue(request);
  }

  /**
   * Decode: queues for the prompt's pages and calls `granted` once they are held (perhaps at once).
   * @throws EngineError as {@link add}
   */
  reserve(request: SequenceRequest, granted: () => void): void {
    this.#admission.enqueue(request, granted);
    this.grantReservations();
  }

  /** Grants reservations whose turn it is, as far as pages and places go. */
  grantReservations(): void {
    this.#admission.grant();
  }

  /** Pages of a request's prompt while it is one sequence, in order; undefined when it is gone. */
  pagesOf(id: string): readonly number[] | undefined {
    return this.roster.of(id)[0]?.pages;
  }

  /**
   * Decode: the prompt's KV is complete and these are its continuations' first tokens.
   * @returns the choices that go on
   * @throws EngineError bad_message
   */
  start(id: string, firstTokens: readonly number[]): number[] {
    const prompt = this.roster.held(id);
    if (prompt?.request.kind !== SequenceKind.DECODE || prompt.forks !== firstTokens.length) {
      throw new EngineError('bad_message', `request ${id} is not reserved for ${firstTokens.length} choices`);
    }
    prompt.computed = prompt.tokens.length;
    const running = this.#continuation.fork(prompt, firstTokens);
    this.grantReservations();
    return running;
  }

  /** The held pages of a request are no longer needed. Unknown ids are ignored: it may have been aborted. */
  release(id: string): void {
    const sequence = this.roster.held(id);
    if (sequence) this.#drop(sequence);
    this.grantReservations();
  }

  /**
   * Ends a request, or one of its choices that already runs by itself. Pages in use by the current batch are freed when
   * it is done.
   * @returns whether there was one
   */
  abort(id: string, choice?: number): boolean {
    const isMeant = (s: Sequence): boolean => choice === undefined || (s.choice === choice && s.forks === 1);
    const sequences = this.roster.of(id).filter(isMeant);
    for (const sequence of sequences) this.#drop(sequence);
    this.grantReservations();
    return sequences.length > 0;
  }

  /** The next forward, or undefined when there is nothing to compute. */
  schedule(): ScheduledBatch | undefined {
    this.#growRunning();
    const { running } = this.roster;
    const batch = new BatchBuilder(this.limits.batchTokens, this.#pages, this.#rules);
    for (const sequence of running) if (sequence.remaining === 1) batch.take(sequence);
    for (const sequence of running) if (sequence.remaining > 1) batch.take(sequence);
    for (let next; !batch.isFull && (next = this.#admission.startNext());) batch.take(next);
    const { sequences } = batch;
    if (sequences.length === 0) return undefined;
    this.#computing = new Set(sequences);
    return { forward: batch.build(this.#bid++), sequences, retracted: this.#retracted.splice(0) };
  }

  /**
   * Takes in a batch's sampled tokens, in the order of its outputs; those of sequences that were aborted meanwhile are
   * not looked at.
   * @returns the tokens of sequences that still live, in batch order
   */
  complete(batch: ScheduledBatch, sampled: readonly SampledToken[]): TokenEvent[] {
    this.#computing = new Set();
    const events: TokenEvent[] = [];
    let output = 0;
    batch.sequences.forEach((sequence, i) => {
      const { tokens } = batch.forward.runs[i]!;
      const outputs = tokens === sequence.remaining ? sequence.forks : 0;
      const own = sampled.slice(output, (output += outputs));
      sequence.computed += tokens;
      if (sequence.dropped) this.#pages.free(sequence);
      else if (outputs > 0) events.push(...this.#continuation.extend(sequence, own));
    });
    this.grantReservations();
    return events;
  }

  /** A page for the next token of every running sequence, at the cost of the youngest. */
  #growRunning(): void {
    const { running } = this.roster;
    for (let i = 0; i < running.length; i++) {
      const sequence = running[i]!;
      while (!this.#pages.cover(sequence, 0)) {
        // A prefill never grows, and its pages may be on their way out.
        const youngest = running.findLast(({ request }) => request.kind !== SequenceKind.PREFILL)!;
        this.#retract(youngest);
        if (youngest === sequence) break;
      }
    }
  }

  #retract(sequence: Sequence): void {
    this.#pages.free(sequence);
    sequence.uid = this.roster.newUid();
    this.roster.enqueue(sequence);
    this.#retracted.push(sequence);
  }

  #drop(sequence: Sequence): void {
    this.roster.end(sequence);
    if (this.#computing.has(sequence)) sequence.dropped = true;
    else this.#pages.free(sequence);
  }
}
