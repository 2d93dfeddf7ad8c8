import { EngineError } from '../errors.js';
import type { KvMemory, KvSegment } from '../kv/kv-memory.js';
import { PagePool } from '../kv/page-pool.js';
import { NULL_OBSERVER, type EngineObserver } from '../observer.js';
import { checkSamplingParams } from '../sampling/check-sampling.js';
import type { QueueAhead } from '../scheduling/roster.js';
import { Scheduler, type ScheduledBatch, type SchedulerLimits } from '../scheduling/scheduler.js';
import { SequenceKind, type Sequence, type SequenceRequest } from '../scheduling/sequence.js';
import type { ForwardResult } from '../scheduling/forward-batch.js';
import type { EngineInfo, EngineListener, EngineLoad, EngineWorker } from './engine-worker.js';
import type { ThreadedRunner } from './threaded-runner.js';

const NULL_LISTENER: EngineListener = { onStep() {}, onKvReady() {}, onFailure() {}, onDeath() {} };

/**
 * The engine of this process: scheduler and page accounting on the caller's thread, so that admission, aborts and KV
 * traffic never wait for a forward; forwards and sampling on the engine thread.
 */
export class ThreadedEngine implements EngineWorker {
  listener: EngineListener = NULL_LISTENER;
  observer: EngineObserver = NULL_OBSERVER;
  readonly #pool: PagePool;
  readonly #scheduler: Scheduler;
  readonly #reserving = new Map<string, (error: EngineError) => void>();
  #stepping = false;
  #closed = false;
  #tensors = 0;

  constructor(
    readonly info: EngineInfo,
    private readonly kv: KvMemory,
    limits: SchedulerLimits,
    private readonly runner: ThreadedRunner,
  ) {
    this.#pool = new PagePool(kv.geometry.pages);
    this.#scheduler = new Scheduler(limits, this.#pool, (from, to) => kv.copyPage(from, to));
  }

  get load(): EngineLoad {
    return {
      ...this.#scheduler.load,
      kvPagesUsed: this.#pool.used,
      kvPagesTotal: this.#pool.size,
      tensors: this.#tensors,
    };
  }

  aheadOf(id: string): QueueAhead {
    return this.#scheduler.aheadOf(id);
  }

  submit(request: SequenceRequest): void {
    this.#check(request);
    this.#scheduler.add(request);
    this.#wake();
  }

  async reserve(request: SequenceRequest): Promise<void> {
    this.#check(request);
    await new Promise<void>((resolve, reject) => {
      let granted = false;
      this.#scheduler.reserve(request, () => {
        granted = true;
        this.#reserving.delete(request.id);
        resolve();
      });
      if (!granted) this.#reserving.set(request.id, reject);
    });
  }

  importKv(id: string, segment: KvSegment, bytes: Uint8Array): boolean {
    const views = this.#views(id, segment);
    if (!views) return false;
    const { blockBytes } = this.kv.geometry;
    if (bytes.length !== views.length * blockBytes) {
      throw new EngineError(
        'kv_format_mismatch',
        `${bytes.length} bytes of KV for ${views.length} blocks of ${blockBytes}`,
      );
    }
    for (let i = 0; i < views.length; i++) views[i]!.set(bytes.subarray(i * blockBytes, (i + 1) * blockBytes));
    return true;
  }

  start(id: string, firstTokens: readonly number[]): number[] {
    const running = this.#scheduler.start(id, firstTokens);
    this.#wake();
    return running;
  }

  exportKv(id: string, segment: KvSegment): Uint8Array[] | undefined {
    return this.#views(id, segment);
  }

  release(id: string): void {
    this.#scheduler.release(id);
    this.#wake();
  }

  abort(id: string, choice?: number): boolean {
    const was = this.#scheduler.abort(id, choice);
    if (was) this.#refuseReservation(id, new EngineError('aborted', `request ${id} was aborted`));
    this.#wake();
    return was;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const id of this.#youngestFirst()) this.abort(id);
    await this.runner.close();
  }

  /** The engine thread ended: nothing that lives can go on. */
  die(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failAll(this.#youngestFirst(), error);
    this.listener.onDeath(error);
  }

  /** @throws EngineError for a segment that the request's pages or the model's layers do not have */
  #views(id: string, segment: KvSegment): Uint8Array[] | undefined {
    const pages = this.#scheduler.pagesOf(id);
    if (!pages) return undefined;
    const { layerFrom, layerTo, tokenFrom, tokenTo } = segment;
    const { layers, pageTokens } = this.kv.format;
    const fits =
      layerFrom >= layers[0] &&
      layerTo <= layers[1] &&
      tokenTo <= pages.length * pageTokens &&
      tokenFrom % pageTokens === 0;
    if (!fits)
      throw new EngineError(
        'kv_format_mismatch',
        `KV of layers ${layerFrom}-${layerTo}, tokens ${tokenFrom}-${tokenTo} is not of request ${id}`,
      );
    return this.kv.views(pages, segment);
  }

  /** In this order what one request frees is granted to none that is about to end. */
  #youngestFirst(): string[] {
    return this.#scheduler.liveIds.reverse();
  }

  /** @returns whether the request waited for pages */
  #refuseReservation(id: string, error: EngineError): boolean {
    this.#reserving.get(id)?.(error);
    return this.#reserving.delete(id);
  }

  #check({ sampling, promptIds }: SequenceRequest): void {
    if (this.#closed) throw new EngineError('engine_error', 'the engine is closed');
    const { vocabSize } = this.info;
    const outside = promptIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    const fault =
      outside === undefined
        ? checkSamplingParams(sampling, vocabSize)
        : `prompt token ${outside} is outside the vocabulary of ${vocabSize}`;
    if (fault !== undefined) throw new EngineError('bad_message', fault);
  }

  #wake(): void {
    if (this.#stepping || this.#closed) return;
    this.#stepping = true;
    // Not at once: what arrives in this turn joins the first batch.
    setImmediate(() => void this.#stepAll());
  }

  async #stepAll(): Promise<void> {
    let batch: ScheduledBatch | undefined;
    while (!this.#closed && (batch = this.#scheduler.schedule())) await this.#step(batch);
    this.#stepping = false;
  }

  async #step(batch: ScheduledBatch): Promise<void> {
    this.observer.onSchedule(batch);
    const segments = batch.sequences.map((sequence, i) => this.#exportable(sequence, batch.forward.runs[i]!.tokens));
    let result: ForwardResult;
    try {
      result = await this.runner.run(batch.forward, (layerFrom, layerTo) => {
        for (let i = 0; i < segments.length; i++) this.#report(batch.sequences[i]!, segments[i], layerFrom, layerTo);
      });
    } catch (cause) {
      this.#failBatch(batch, cause);
      return;
    }
    this.#tensors = result.tensors;
    const tokens = this.#scheduler.complete(batch, result.sampled);
    this.observer.onForward(batch, result);
    if (tokens.length > 0) this.listener.onStep({ bid: batch.forward.bid, tokens });
  }

  #failBatch(batch: ScheduledBatch, cause: unknown): void {
    if (this.#closed) return;
    const error = new EngineError('engine_error', `the forward of batch ${batch.forward.bid} failed`, { cause });
    this.#failAll(new Set(batch.sequences.map((sequence) => sequence.request.id)), error);
    this.#scheduler.complete(batch, []);
  }

  /** Tokens whose KV this batch makes final: whole pages, and the rest when the prompt ends. */
  #exportable(sequence: Sequence, tokens: number): { from: number; to: number } | undefined {
    if (sequence.request.kind !== SequenceKind.PREFILL) return undefined;
    const { pageTokens } = this.kv.format;
    const computed = sequence.computed + tokens;
    const from = sequence.reported;
    const to = tokens === sequence.remaining ? computed : computed - (computed % pageTokens);
    sequence.reported = to;
    return to > from ? { from, to } : undefined;
  }

  #report(
    sequence: Sequence,
    range: { from: number; to: number } | undefined,
    layerFrom: number,
    layerTo: number,
  ): void {
    if (!range || sequence.dropped) return;
    this.listener.onKvReady(sequence.request.id, { layerFrom, layerTo, tokenFrom: range.from, tokenTo: range.to });
  }

  #failAll(ids: Iterable<string>, error: Error): void {
    for (const id of ids) {
      const waitsForPages = this.#refuseReservation(
        id,
        new EngineError('engine_error', error.message, { cause: error }),
      );
      if (this.#scheduler.abort(id) && !waitsForPages) this.listener.onFailure(id, error);
    }
  }
}
