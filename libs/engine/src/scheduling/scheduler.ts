import { EngineError } from '../errors.js';
import type { PagePool } from '../kv/page-pool.js';
import type { ForwardBatch, OutputRow, TokenRun } from './forward-batch.js';
import { FinishReason, Sequence, SequenceKind, type SequenceRequest, type TokenEvent } from './sequence.js';

export interface SchedulerLimits {
  readonly contextLength: number;
  readonly pageTokens: number;
  /** Tokens of one forward: decoding sequences first, then chunks of prompts. */
  readonly batchTokens: number;
  readonly maxRunning: number;
  readonly maxQueued: number;
  readonly eosTokenIds: readonly number[];
}

/** A batch and whose runs it holds, in the same order. */
export interface ScheduledBatch {
  readonly forward: ForwardBatch;
  readonly sequences: readonly Sequence[];
  readonly retracted: readonly Sequence[];
}

export interface SchedulerLoad {
  readonly running: number;
  readonly waiting: number;
  readonly queuedTokens: number;
}

interface Reservation {
  readonly sequence: Sequence;
  readonly granted: () => void;
}

/**
 * Continuous batching with chunked prefill over a pool of KV pages. Pure bookkeeping: it says what to compute next and
 * takes in what came out; one batch at a time.
 *
 * Requests are served first come, first served. When no page is free for a running sequence, the youngest one goes back
 * to the queue and is computed again.
 */
export class Scheduler {
  /** By arrival. */
  readonly #running: Sequence[] = [];
  readonly #waiting: Sequence[] = [];
  readonly #reservations: Reservation[] = [];
  /** Pages held for somebody outside: a finished prefill, or KV that is arriving. */
  readonly #held = new Map<string, Sequence>();
  readonly #live = new Map<string, Set<Sequence>>();
  readonly #eos: ReadonlySet<number>;
  #computing: ReadonlySet<Sequence> = new Set();
  #arrivals = 0;
  #bid = 0;

  constructor(
    private readonly limits: SchedulerLimits,
    private readonly pool: PagePool,
    private readonly copyPage: (from: number, to: number) => void,
  ) {
    this.#eos = new Set(limits.eosTokenIds);
  }

  get load(): SchedulerLoad {
    let queuedTokens = 0;
    for (const sequence of this.#waiting) queuedTokens += sequence.remaining;
    for (const { sequence } of this.#reservations) queuedTokens += sequence.tokens.length;
    return { running: this.#running.length, waiting: this.#waiting.length + this.#reservations.length, queuedTokens };
  }

  /** Ids of requests that have not ended. */
  get liveIds(): string[] {
    return [...this.#live.keys()];
  }

  /** Queues a request. @throws EngineError queue_full, prompt_too_long or bad_message */
  add(request: SequenceRequest): void {
    this.#waiting.push(this.#admit(request));
  }

  /**
   * Decode: queues for the prompt's pages and calls `granted` once they are held (perhaps at once).
   * @throws EngineError as {@link add}
   */
  reserve(request: SequenceRequest, granted: () => void): void {
    this.#reservations.push({ sequence: this.#admit(request), granted });
    this.grantReservations();
  }

  /** Grants reservations, oldest first, as far as pages and places go. */
  grantReservations(): void {
    while (this.#reservations.length > 0) {
      const { sequence, granted } = this.#reservations[0]!;
      // A sequence that was retracted came first: newer prompts must not take every page that comes free.
      if (this.#waiting.some((waiting) => waiting.arrival < sequence.arrival)) return;
      if (!this.#hasPlace(sequence) || !this.#takePages(sequence, sequence.tokens.length, this.#running.length)) return;
      this.#reservations.shift();
      this.#held.set(sequence.request.id, sequence);
      granted();
    }
  }

  /** Pages of a request's prompt while it is one sequence, in order; undefined when it is gone. */
  pagesOf(id: string): readonly number[] | undefined {
    return this.#live.get(id)?.values().next().value?.pages;
  }

  /** Decode: the prompt's KV is complete and these are its continuations' first tokens. @returns the choices that go on */
  start(id: string, firstTokens: readonly number[]): number[] {
    const prompt = this.#held.get(id);
    if (!prompt || prompt.forks !== firstTokens.length) {
      throw new EngineError('bad_message', `request ${id} is not reserved for ${firstTokens.length} choices`);
    }
    this.#held.delete(id);
    prompt.computed = prompt.tokens.length;
    return this.#fork(prompt, firstTokens);
  }

  /** The held pages of a request are no longer needed. Unknown ids are ignored: it may have been aborted. */
  release(id: string): void {
    const sequence = this.#held.get(id);
    if (sequence) this.#end(sequence);
    this.grantReservations();
  }

  /** Ends a request, or one of its choices. Pages in use by the current batch are freed when it is done. @returns whether there was one */
  abort(id: string, choice?: number): boolean {
    const sequences = [...(this.#live.get(id) ?? [])].filter(
      (s) => choice === undefined || (s.choice === choice && s.forks === 1),
    );
    for (const sequence of sequences) this.#end(sequence);
    this.grantReservations();
    return sequences.length > 0;
  }

  /** The next forward, or undefined when there is nothing to compute. */
  schedule(): ScheduledBatch | undefined {
    const retracted = this.#growPages();
    const runs: TokenRun[] = [];
    const sequences: Sequence[] = [];
    const outputs: OutputRow[] = [];
    const tokenIds = new Int32Array(this.limits.batchTokens);
    let rows = 0;
    const take = (sequence: Sequence): void => {
      const tokens = Math.min(sequence.remaining, this.limits.batchTokens - rows);
      if (tokens === 0) return;
      for (let t = 0; t < tokens; t++) tokenIds[rows + t] = sequence.tokens[sequence.computed + t]!;
      const pages = Int32Array.from(sequence.pages.slice(0, this.#pagesFor(sequence.computed + tokens)));
      runs.push({ firstRow: rows, tokens, position: sequence.computed, pages });
      rows += tokens;
      sequences.push(sequence);
      if (tokens === sequence.remaining) outputs.push(...sequence.outputs(rows - 1));
    };
    for (const sequence of this.#running) if (sequence.remaining === 1) take(sequence);
    for (const sequence of this.#running) if (sequence.remaining > 1) take(sequence);
    for (let next; rows < this.limits.batchTokens && (next = this.#startNext());) take(next);
    if (rows === 0) return undefined;
    this.#computing = new Set(sequences);
    const reportLayers = sequences.some((sequence) => sequence.request.kind === SequenceKind.PREFILL);
    const forward = { bid: this.#bid++, tokenIds: tokenIds.slice(0, rows), runs, outputs, reportLayers };
    return { forward, sequences, retracted };
  }

  /** Takes in a batch's sampled tokens. @returns the tokens of sequences that still live, in batch order */
  complete(batch: ScheduledBatch, sampled: Int32Array): TokenEvent[] {
    this.#computing = new Set();
    const events: TokenEvent[] = [];
    let output = 0;
    for (let i = 0; i < batch.sequences.length; i++) {
      const sequence = batch.sequences[i]!;
      const wasLast = sequence.remaining === batch.forward.runs[i]!.tokens;
      sequence.computed += batch.forward.runs[i]!.tokens;
      const tokens = wasLast ? sampled.subarray(output, (output += sequence.forks)) : undefined;
      if (sequence.dropped) this.#freePages(sequence);
      else if (tokens) this.#extend(sequence, tokens, events);
    }
    this.grantReservations();
    return events;
  }

  #extend(sequence: Sequence, sampled: Int32Array, events: TokenEvent[]): void {
    const { id, kind } = sequence.request;
    const index = sequence.generated;
    const tokens = Array.from(sampled);
    tokens.forEach((token, fork) => {
      events.push({ id, choice: sequence.choice + fork, index, token, finish: this.#finishOf(sequence, token) });
    });
    if (kind === SequenceKind.PREFILL) {
      this.#remove(this.#running, sequence);
      this.#held.set(id, sequence);
    } else if (sequence.forks > 1) {
      this.#remove(this.#running, sequence);
      this.#fork(sequence, tokens);
    } else {
      const { finish } = events[events.length - 1]!;
      sequence.tokens.push(tokens[0]!);
      if (finish) this.#end(sequence);
    }
  }

  /**
   * Lets each continuation of a computed prompt run on its own; ended ones are left out. They share the prompt's full pages, and
   * all but one get a copy of the partial page.
   *
   * @returns the choices that run
   */
  #fork(prompt: Sequence, firstTokens: readonly number[]): number[] {
    const { request } = prompt;
    const live = this.#live.get(request.id)!;
    const forks = firstTokens.flatMap((token, fork) => {
      if (this.#finishOf(prompt, token)) return [];
      return [new Sequence(request, prompt.choice + fork, prompt.arrival, 1, [...prompt.tokens, token])];
    });
    forks.forEach((fork, i) => {
      live.add(fork);
      const placed = i === forks.length - 1 ? this.#movePages(prompt, fork) : this.#sharePages(prompt, fork);
      if (placed) this.#insert(this.#running, fork);
      else this.#waiting.unshift(fork);
    });
    this.#end(prompt);
    return forks.map(({ choice }) => choice);
  }

  #movePages(from: Sequence, to: Sequence): boolean {
    to.pages.push(...from.pages.splice(0));
    to.computed = from.computed;
    return true;
  }

  #sharePages(from: Sequence, to: Sequence): boolean {
    const fullPages = Math.floor(from.computed / this.limits.pageTokens);
    const partial = fullPages < from.pages.length ? this.pool.take() : undefined;
    if (partial === -1) return false;
    for (let p = 0; p < fullPages; p++) {
      this.pool.share(from.pages[p]!);
      to.pages.push(from.pages[p]!);
    }
    if (partial !== undefined) {
      this.copyPage(from.pages[fullPages]!, partial);
      to.pages.push(partial);
    }
    to.computed = from.computed;
    return true;
  }

  #finishOf(sequence: Sequence, token: number): FinishReason | null {
    const { sampling } = sequence.request;
    if (!sampling.ignoreEos && this.#eos.has(token)) return FinishReason.STOP;
    if (sampling.stopTokenIds.includes(token)) return FinishReason.STOP;
    if (sequence.generated + 1 >= sampling.maxNewTokens) return FinishReason.LENGTH;
    return sequence.tokens.length + 1 >= this.#longest ? FinishReason.LENGTH : null;
  }

  /** Tokens that one sequence may have: what the context and the whole pool hold. */
  get #longest(): number {
    return Math.min(this.limits.contextLength, this.pool.size * this.limits.pageTokens);
  }

  #admit(request: SequenceRequest): Sequence {
    const { id, promptIds, choices, firstChoice } = request;
    if (this.#live.has(id)) throw new EngineError('bad_message', `request ${id} is already here`);
    if (promptIds.length === 0) throw new EngineError('bad_message', 'the prompt is empty');
    if (!(choices >= 1 && choices <= this.limits.maxRunning)) {
      throw new EngineError('bad_message', `${choices} choices; this engine takes 1 to ${this.limits.maxRunning}`);
    }
    if (promptIds.length >= this.#longest) {
      throw new EngineError(
        'prompt_too_long',
        `${promptIds.length} prompt tokens; the context and the KV pool hold ${this.#longest}`,
      );
    }
    if (this.load.waiting >= this.limits.maxQueued) {
      throw new EngineError('queue_full', `${this.limits.maxQueued} requests are queued`);
    }
    const sequence = new Sequence(request, firstChoice, this.#arrivals++, choices);
    this.#live.set(id, new Set([sequence]));
    return sequence;
  }

  /** A page for the next token of every running sequence, at the cost of the youngest. */
  #growPages(): Sequence[] {
    const retracted: Sequence[] = [];
    for (let i = 0; i < this.#running.length; i++) {
      const sequence = this.#running[i]!;
      while (!this.#takePages(sequence, sequence.tokens.length, 0)) {
        const youngest = this.#running.pop()!;
        this.#freePages(youngest);
        youngest.computed = 0;
        this.#waiting.unshift(youngest);
        retracted.push(youngest);
        if (youngest === sequence) break;
      }
    }
    return retracted;
  }

  /** Moves the oldest waiting sequence to the running ones if there are pages for it and a place. */
  #startNext(): Sequence | undefined {
    const next = this.#waiting[0];
    if (!next || !this.#hasPlace(next) || !this.#takePages(next, next.tokens.length, this.#running.length))
      return undefined;
    this.#waiting.shift();
    this.#insert(this.#running, next);
    this.grantReservations();
    return next;
  }

  /** A prompt takes a place for each continuation that it will fork into; one that arrives holds its places, too. */
  #hasPlace(sequence: Sequence): boolean {
    let taken = 0;
    for (const running of this.#running) taken += running.forks;
    if (sequence.request.kind === SequenceKind.DECODE) for (const held of this.#held.values()) taken += held.forks;
    return taken + sequence.forks <= this.limits.maxRunning;
  }

  /** All the pages for `tokens` tokens, leaving `spare` free ones for others to grow; or none. */
  #takePages(sequence: Sequence, tokens: number, spare: number): boolean {
    const missing = this.#pagesFor(tokens) - sequence.pages.length;
    if (missing > 0 && missing + spare > this.pool.free) return false;
    for (let i = 0; i < missing; i++) sequence.pages.push(this.pool.take());
    return true;
  }

  #pagesFor(tokens: number): number {
    return Math.ceil(tokens / this.limits.pageTokens);
  }

  #end(sequence: Sequence): void {
    const { id } = sequence.request;
    this.#remove(this.#running, sequence);
    this.#remove(this.#waiting, sequence);
    if (this.#held.get(id) === sequence) this.#held.delete(id);
    const reservation = this.#reservations.findIndex((r) => r.sequence === sequence);
    if (reservation >= 0) this.#reservations.splice(reservation, 1);
    if (this.#computing.has(sequence)) sequence.dropped = true;
    else this.#freePages(sequence);
    const live = this.#live.get(id);
    live?.delete(sequence);
    if (live?.size === 0) this.#live.delete(id);
  }

  #freePages(sequence: Sequence): void {
    for (const page of sequence.pages) this.pool.release(page);
    sequence.pages.length = 0;
  }

  #remove(list: Sequence[], sequence: Sequence): void {
    const at = list.indexOf(sequence);
    if (at >= 0) list.splice(at, 1);
  }

  /** Keeps the list by arrival. */
  #insert(list: Sequence[], sequence: Sequence): void {
    let at = list.length;
    while (at > 0 && list[at - 1]!.arrival > sequence.arrival) at--;
    list.splice(at, 0, sequence);
  }
}
