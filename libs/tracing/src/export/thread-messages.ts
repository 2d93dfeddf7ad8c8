import type { Destinations } from './create-sinks.js';
import type { SinkContext } from './sink.js';
import type { SpanLimits } from './span-limits.js';
import type { TraceAttributes } from '../request-trace.js';

/** What the exporter's thread is started with. */
export interface ExporterThreadData {
  readonly control: SharedArrayBuffer;
  readonly stats: SharedArrayBuffer;
  readonly resource: TraceAttributes;
  readonly destinations: Destinations;
  /** See SGLANG_NAMES. */
  readonly sglangNames: boolean;
  readonly spanLimits: SpanLimits;
  readonly context: SinkContext;
  readonly rings: readonly HandedRing[];
  readonly firstRingId: number;
  /** By rings that were given up. */
  readonly droppedOfEnded: number;
  /** The thread before it died. */
  readonly isRestart: boolean;
}

/** A ring as it goes from one exporter to the next. */
export interface HandedRing {
  readonly id: number;
  readonly buffer: SharedArrayBuffer;
  readonly answers: boolean;
  readonly names: readonly string[];
}

export type ToExporterThread =
  | { readonly type: 'ring'; readonly buffer: SharedArrayBuffer; readonly answers: boolean }
  | { readonly type: 'flush'; readonly id: number }
  | { readonly type: 'shutdown' };

export type FromExporterThread =
  | { readonly type: 'flushed'; readonly id: number }
  | { readonly type: 'log'; readonly message: string }
  | { readonly type: 'ring'; readonly id: number; readonly buffer: SharedArrayBuffer; readonly answers: boolean }
  | { readonly type: 'names'; readonly id: number; readonly names: readonly string[] }
  | { readonly type: 'ringEnded'; readonly id: number; readonly dropped: number };
