import { requestTrace } from '@sliceway/tracing';
import type { ObservedBatch, ObservedForward, ObservedSequence } from '@sliceway/tracing/engine';
import type { Located } from '../logging/trace-fields.js';
import { BATCH_SIZES, RATIOS } from './buckets.js';
import { ExemplarHistogram } from './exemplar-histogram.js';
import type { MetricsRegistry } from './metrics.js';
import { queueTimeHistogram } from './queue-time.js';

/** What is put into an engine and ends before its first forward is not told of: past this the oldest is forgotten. */
const MAX_WAITING = 4096;
const SECOND_MS = 1000;

interface EngineObserver {
  onSchedule(batch: ObservedBatch): void;
  onForward(batch: ObservedBatch, result: ObservedForward): void;
}

export interface MeteredEngine {
  observer: EngineObserver;
  readonly load: { readonly kvPagesUsed: number; readonly kvPagesTotal: number };
}

const meters = new WeakMap<object, EngineMeter>();

/** The meter of an engine that has one. */
export function meterOf(engine: object): EngineMeter | undefined {
  return meters.get(engine);
}

/** Counts an engine's batches beside whoever observes it already. */
export function meterEngine(engine: MeteredEngine, registry: MetricsRegistry): void {
  const { observer } = engine;
  const meter = new EngineMeter(engine, registry);
  meters.set(engine, meter);
  engine.observer = {
    onSchedule: (batch) => {
      observer.onSchedule(batch);
      meter.onSchedule(batch);
    },
    onForward: (batch, result) => observer.onForward(batch, result),
  };
}

/** Batch sizes, KV use and queue times of an engine, with traces of members as exemplars. */
export class EngineMeter {
  readonly #queueTime: ExemplarHistogram;
  readonly #batchSize: ExemplarHistogram;
  readonly #kvUse: ExemplarHistogram;
  /** Since when they wait, by the engine's ids. */
  readonly #waitingMs = new Map<string, number>();
  #batch: readonly ObservedSequence[] = [];
  /** The first of the batch that is traced. */
  readonly #member: Located = {
    current: () => {
      for (const sequence of this.#batch) {
        const at = traceOf(sequence).current();
        if (at !== null) return at;
      }
      return null;
    },
  };

  constructor(
    private readonly engine: Pick<MeteredEngine, 'load'>,
    registry: MetricsRegistry,
  ) {
    this.#queueTime = queueTimeHistogram(registry);
    this.#batchSize = new ExemplarHistogram(registry, 'sliceway_batch_size', 'Sequences of each forward.', BATCH_SIZES);
    this.#kvUse = new ExemplarHistogram(
      registry,
      'sliceway_kv_use_ratio',
      'Share of the KV pages in use, at each forward.',
      RATIOS,
    );
  }

  /** It could be computed from now on. */
  queued(id: string): void {
    this.#waitingMs.delete(id);
    this.#waitingMs.set(id, performance.now());
    if (this.#waitingMs.size > MAX_WAITING) this.#waitingMs.delete(this.#waitingMs.keys().next().value!);
  }

  onSchedule({ sequences }: ObservedBatch): void {
    this.#batch = sequences;
    this.#batchSize.observe(sequences.length, this.#member);
    const { kvPagesUsed, kvPagesTotal } = this.engine.load;
    if (kvPagesTotal > 0) this.#kvUse.observe(kvPagesUsed / kvPagesTotal, this.#member);
    this.#batch = [];
    if (this.#waitingMs.size > 0) for (let i = 0; i < sequences.length; i++) this.#scheduled(sequences[i]!);
  }

  #scheduled(sequence: ObservedSequence): void {
    const { id } = sequence.request;
    const sinceMs = this.#waitingMs.get(id);
    if (sinceMs === undefined) return;
    this.#waitingMs.delete(id);
    this.#queueTime.observe((performance.now() - sinceMs) / SECOND_MS, traceOf(sequence));
  }
}

/** An engine's ids begin with that of the request. */
function traceOf({ request: { id } }: ObservedSequence): Located {
  const end = id.indexOf('/');
  return requestTrace(end < 0 ? id : id.slice(0, end));
}
