const COUNTERS = ['taken', 'exported', 'droppedRing', 'droppedQueue', 'droppedExport', 'batches', 'failures'] as const;
export type ExportCounter = (typeof COUNTERS)[number];
const INDEX = Object.fromEntries(COUNTERS.map((counter, i) => [counter, i])) as Record<ExportCounter, number>;

/**
 * What became of spans since the start; where there are several destinations, each one counts. `droppedRing` found their thread's
 * ring full. Of those that were `taken` from a ring `exported` were taken by a destination; `droppedQueue` found the exporter's
 * queue full, and `droppedExport` a destination that did not take them, retries included, or were with the exporter when it died.
 * The rest is on its way. `batches` were sent; `failures` are errors of destinations.
 */
export type ExportStatsSnapshot = Readonly<Record<ExportCounter, number>>;

/** Counters in shared memory: the exporter's thread writes, and where that is gone the one that started it; any thread reads. */
export class ExportStats {
  readonly #counts: Float64Array;

  constructor(readonly buffer = new SharedArrayBuffer(COUNTERS.length * 8)) {
    this.#counts = new Float64Array(buffer);
  }

  add(counter: ExportCounter, count = 1): void {
    this.#counts[INDEX[counter]]! += count;
  }

  set(counter: ExportCounter, count: number): void {
    this.#counts[INDEX[counter]] = count;
  }

  /** Of an exporter that is gone: what was on its way is lost. @returns how many spans */
  giveUpHeld(): number {
    const { taken, exported, droppedQueue, droppedExport } = this.snapshot();
    const held = taken - exported - droppedQueue - droppedExport;
    this.add('droppedExport', held);
    return held;
  }

  snapshot(): ExportStatsSnapshot {
    return Object.fromEntries(COUNTERS.map((counter, i) => [counter, this.#counts[i]!])) as ExportStatsSnapshot;
  }
}
