import { EngineError } from '../errors.js';
import { PagePool } from '../kv/page-pool.js';
import type { SampledToken } from '../sampling/sampling.js';
import { check, checkBatch, checkState } from './invariants.fixture.js';
import { LedgerEntry, referenceEvents } from './ledger.fixture.js';
import { Numbering } from './numbering.fixture.js';
import { Random, randomLimits, randomRequest } from './random-requests.fixture.js';
import { Roster } from './roster.js';
import { Scheduler, type ScheduledBatch, type SchedulerLimits } from './scheduler.js';
import type { SequenceKind, SequenceRequest } from './sequence.js';
import { kvOf, SimulatedModel } from './simulated-model.fixture.js';

const VOCAB = 60;

/** What programs did, so that a test can see that they did it. */
export const newCounts = () => ({
  operations: 0,
  retracted: 0,
  copied: 0,
  started: 0,
  aborted: 0,
  refused: 0,
  ended: 0,
});
export type Counts = ReturnType<typeof newCounts>;

/** A random program over a scheduler, its owner's ledger beside it, and a simulated model below it. */
export class SchedulerProgram {
  readonly #random: Random;
  readonly #limits: SchedulerLimits;
  readonly #maxTokens: number;
  readonly #pool: PagePool;
  readonly #roster: Roster;
  readonly #model: SimulatedModel;
  readonly #scheduler: Scheduler;
  readonly #numbering = new Numbering();
  readonly #ledger = new Map<string, LedgerEntry>();
  #batch: ScheduledBatch | undefined;
  #sampled: readonly SampledToken[] | undefined;
  #arrivals = 0;

  constructor(
    seed: number,
    private readonly kinds: readonly SequenceKind[],
    private readonly counts: Counts,
  ) {
    this.#random = new Random(seed);
    this.#limits = randomLimits(this.#random);
    const pages = 3 + this.#random.below(22);
    this.#maxTokens = Math.min(this.#limits.contextLength, pages * this.#limits.pageTokens);
    this.#pool = new PagePool(pages);
    this.#roster = new Roster(this.#limits.maxRunning);
    this.#model = new SimulatedModel(pages, this.#limits.pageTokens, VOCAB);
    const copyPage = (from: number, to: number): void => {
      this.counts.copied++;
      this.#model.copyPage(from, to);
    };
    this.#scheduler = new Scheduler(this.#limits, this.#pool, copyPage, this.#roster);
  }

  run(operations: number): void {
    for (let i = 0; i < operations; i++) this.#do(() => this.#operate());
    this.#drain();
  }

  #operate(): void {
    const dice = this.#random.next();
    if (dice < 0.15) this.#arrive();
    else if (dice < 0.17) this.#abort();
    else if (dice < 0.3) this.#serve(this.#random.of(this.#live));
    else if (!this.#batch) this.#schedule();
    else if (!this.#sampled) this.#sampled = this.#model.forward(this.#batch.forward);
    else this.#complete();
  }

  /** The oldest advances in each step, so the steps left are at most the tokens left. */
  #drain(): void {
    let steps = this.#live.reduce((sum, { request }) => sum + request.choices * (this.#maxTokens + 1), 2);
    while (this.#scheduler.liveIds.length > 0 || this.#batch) {
      check(steps-- > 0, `${this.#scheduler.liveIds.join(', ')} never end`);
      for (const entry of this.#live) while (this.#serve(entry)) this.#do(() => {});
      this.#do(() => this.#batch ?? this.#schedule());
      if (!this.#batch) continue;
      this.#sampled ??= this.#model.forward(this.#batch.forward);
      this.#do(() => this.#complete());
    }
    check(this.#pool.used === 0, `${this.#pool.used} pages are lost`);
    const { running, waiting, queuedTokens } = this.#scheduler.load;
    check(running + waiting + queuedTokens === 0, 'there is load without requests');
  }

  get #live(): LedgerEntry[] {
    return [...this.#ledger.values()].filter((entry) => entry.isLive);
  }

  /** One operation, after which all must be in order. */
  #do(operation: () => void): void {
    operation();
    this.counts.operations++;
    checkState(this.#roster, this.#pool, this.#limits, this.#batch?.sequences ?? []);
    const live = this.#live.map(({ request }) => request.id).sort();
    const { liveIds } = this.#scheduler;
    check(live.join() === liveIds.sort().join(), `${liveIds.join()} live instead of ${live.join()}`);
  }

  #arrive(): void {
    const id = this.#random.chance(0.1) ? this.#random.of([...this.#ledger.keys()]) : undefined;
    const kind = this.#random.of(this.kinds)!;
    const { maxRunning } = this.#limits;
    const request = randomRequest(this.#random, id ?? `r${this.#ledger.size}`, kind, this.#maxTokens, maxRunning);
    const refusal = this.#refusalOf(request);
    const entry = new LedgerEntry(request, this.#arrivals, (choice) =>
      refusal ? [] : referenceEvents(request, choice, this.#limits, this.#maxTokens, VOCAB),
    );
    if (!refusal) this.#ledger.set(request.id, entry);
    try {
      if (kind === 'decode') this.#scheduler.reserve(request, () => this.#enter(entry));
      else this.#scheduler.add(request);
      this.#arrivals++;
      check(!refusal, `${request.id} is taken in spite of ${refusal}`);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== refusal) throw error;
      this.counts.refused++;
    }
  }

  #refusalOf({ id, promptIds, choices }: SequenceRequest): string | undefined {
    const { maxRunning, maxQueued } = this.#limits;
    if (this.#ledger.get(id)?.isLive || promptIds.length === 0 || choices > maxRunning) return 'bad_message';
    if (promptIds.length >= this.#maxTokens) return 'prompt_too_long';
    return this.#scheduler.load.waiting >= maxQueued ? 'queue_full' : undefined;
  }

  /** First come, first served: whoever came before is in or gone. */
  #enter(entry: LedgerEntry): void {
    entry.entered = true;
    for (const other of this.#live) {
      const isIn = other.entered || this.#roster.running.some(({ request }) => request === other.request);
      check(isIn || other.arrival >= entry.arrival, `${entry.request.id} overtakes ${other.request.id}`);
    }
  }

  #abort(): void {
    const entry = this.#random.of(this.#live);
    if (!entry) return;
    const { id, firstChoice, choices } = entry.request;
    const choice = this.#random.chance(0.5) ? undefined : firstChoice + this.#random.below(choices);
    const was = entry.abort(choice);
    check(this.#scheduler.abort(id, choice) === was, `abort of ${id}, ${choice} is not ${was}`);
    if (was) this.counts.aborted++;
  }

  /** What goes on outside: KV leaves and is released; KV arrives in parts, then its continuations start. @returns whether something did */
  #serve(entry: LedgerEntry | undefined): boolean {
    if (entry?.isHeld) this.#release(entry);
    else if (entry?.isArriving) this.#import(entry);
    else return false;
    return true;
  }

  #release(entry: LedgerEntry): void {
    const { id, promptIds } = entry.request;
    const kv = kvOf(promptIds);
    const leaving = this.#model.read(this.#scheduler.pagesOf(id)!, kv.length);
    check(
      leaving.every((value, at) => value === kv[at]),
      `the KV of prefill ${id} is not its own`,
    );
    this.#scheduler.release(id);
    entry.abort();
  }

  #import(entry: LedgerEntry): void {
    const { id, promptIds } = entry.request;
    const from = entry.arrived;
    if (from < promptIds.length) {
      entry.arrived = Math.min(promptIds.length, from + 1 + this.#random.below(promptIds.length));
      this.#model.write(this.#scheduler.pagesOf(id)!, kvOf(promptIds), from, entry.arrived);
      return;
    }
    const { tokens, choices } = entry.start();
    const running = this.#scheduler.start(id, tokens);
    check(running.join() === choices.join(), `${id} goes on with ${running.join()} instead of ${choices.join()}`);
    this.counts.started++;
  }

  #schedule(): void {
    const before = new Set(this.#roster.running);
    const batch = this.#scheduler.schedule();
    if (!batch) {
      check(this.#roster.running.length === 0, 'a sequence runs, and nothing is computed');
      const isHeld = this.#roster.ids.some((id) => this.#roster.held(id));
      check(isHeld || this.#roster.queue.length === 0, 'all is free, and nothing is computed');
      return;
    }
    checkBatch(batch, this.#roster, this.#limits);
    this.#numbering.watch(batch);
    const waiting = this.#roster.queue[0]?.sequence;
    for (const sequence of batch.sequences) {
      if (before.has(sequence)) continue;
      this.#enter(this.#ledger.get(sequence.request.id)!);
      check(!waiting || sequence.arrival <= waiting.arrival, `${sequence.request.id} starts before an older one`);
    }
    this.counts.retracted += batch.retracted.length;
    this.#batch = batch;
  }

  #complete(): void {
    const events = this.#scheduler.complete(this.#batch!, this.#sampled!);
    this.#batch = this.#sampled = undefined;
    for (const event of events) {
      this.#ledger.get(event.id)!.take(event);
      if (event.finish) this.counts.ended++;
    }
  }
}
