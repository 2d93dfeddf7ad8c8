import { readSpan } from '../recording/read-span.js';
import type { SharedControl } from '../recording/shared-control.js';
import type { RingReader } from '../recording/ring-reader.js';
import type { TraceAttributes } from '../request-trace.js';
import { type AttributeNames, withFurtherNames } from './further-names.js';
import type { ExportStats } from './export-stats.js';
import type { KnownRing, RingSet } from './ring-set.js';
import type { Sink } from './sink.js';
import type { TraceSpan } from '../trace-span.js';
import { limitSpan, type SpanLimits } from './span-limits.js';

export interface RingDrainerOptions {
  readonly control: SharedControl;
  readonly stats: ExportStats;
  readonly resource: TraceAttributes;
  readonly rings: RingSet;
  readonly sinks: readonly Sink[];
  /** Further names of a span's attributes. */
  readonly names: AttributeNames | null;
  readonly limits: SpanLimits;
  readonly onNames: (ring: KnownRing, names: readonly string[]) => void;
  readonly onError: (error: Error) => void;
}

/** Moves spans from rings to sinks. */
export class RingDrainer {
  constructor(private readonly options: RingDrainerOptions) {}

  drain(): void {
    const { rings, stats, sinks } = this.options;
    for (const ring of rings.rings) {
      const { reader } = ring;
      if (reader.isEmpty) continue;
      reader.drainRecords((word) => {
        // Before the span, which may be the last that this thread sees.
        if (reader.names.length > ring.toldNames) this.#tellNames(ring);
        return this.#take(reader, word);
      });
      if (reader.names.length > ring.toldNames) this.#tellNames(ring);
    }
    stats.set('droppedRing', rings.dropped);
    const nowMs = performance.now();
    for (const sink of sinks) sink.onDrained(nowMs);
  }

  /** After a thread that died: what it died of may be the next span of a ring. */
  passOver(): void {
    for (const { reader } of this.options.rings.rings) {
      let passed = 0;
      reader.drainRecords(() => passed++ === 0);
      if (passed === 0) continue;
      this.options.stats.add('taken');
      this.options.stats.add('droppedExport');
    }
  }

  /** Sends all that has been recorded. */
  async flush(): Promise<void> {
    this.drain();
    await Promise.all(this.options.sinks.map((sink) => this.#settle(sink.flush())));
  }

  async shutdown(): Promise<void> {
    this.drain();
    await Promise.all(this.options.sinks.map((sink) => this.#settle(sink.shutdown())));
  }

  #tellNames(ring: KnownRing): void {
    this.options.onNames(ring, ring.reader.names.slice(ring.toldNames));
    ring.toldNames = ring.reader.names.length;
  }

  /** A span that cannot be read is counted and passed over. */
  #take(ring: RingReader, word: number): boolean {
    const { sinks, stats, onError } = this.options;
    let span;
    try {
      for (const sink of sinks) {
        sink.takeRecord?.(ring, word);
        sink.takeSpan?.((span ??= this.#read(ring, word)));
        stats.add('taken');
      }
    } catch (error) {
      stats.add('taken');
      stats.add('failures');
      stats.add('droppedExport');
      onError(error as Error);
    }
    return true;
  }

  #read(ring: RingReader, word: number): TraceSpan {
    const { control, resource, names, limits } = this.options;
    const span = readSpan(ring, ring.span(word), control, resource);
    const named = names === null ? span : { ...span, attributes: withFurtherNames(span.attributes, names) };
    return limitSpan(named, limits);
  }

  async #settle(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.options.stats.add('failures');
      this.options.onError(error as Error);
    }
  }
}
