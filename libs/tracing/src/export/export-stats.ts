const COUNTERS = ['exported', 'droppedRing', 'droppedQueue', 'droppedExport', 'batches', 'failures'] as const;
export type ExportCounter = (typeof COUNTERS)[number];

/**
 * What became of spans since the start; where there are several destinations, each one counts. `exported` were taken by a
 * destination; `droppedRing` found their thread's ring full, `droppedQueue` the exporter's queue, and `droppedExport` a
 * destination that did not take them, retries included. `batches` were sent; `failures` are errors of destinations.
 */
export type ExportStatsSnapshot = Readonly<Record<ExportCounter, number>>;

/** Counters in shared memory: one thread writes, any thread reads. */
export class ExportStats {
  readonly #counts: Float64Array;

  constructor(readonly buffer = new SharedArrayBuffer(COUNTERS.length * 8)) {
    this.#counts = new Float64Array(buffer);
  }

  add(counter: ExportCounter, count = 1): void {
    this.#counts[COUNTERS.indexOf(counter)]! += count;
  }

  set(counter: ExportCounter, count: number): void {
    this.#counts[COUNTERS.indexOf(counter)] = count;
  }

  snapshot(): ExportStatsSnapshot {
    return Object.fromEntries(COUNTERS.map((counter, i) => [counter, this.#counts[i]!])) as ExportStatsSnapshot;
  }
}
