import { SharedControl } from '../recording/shared-control.js';
import type { TraceAttributes } from '../request-trace.js';
import { updateOrigin } from './estimate-origin.js';
import { ExporterSupervisor } from './exporter-supervisor.js';
import { ExportStats, type ExportStatsSnapshot } from './export-stats.js';
import type { TraceFileOptions } from './file-destination.js';
import { type Environment, type OtlpProtocol, readOtelConfig } from './otel.config.js';
import { chooseDestinations } from './choose-destinations.js';

export interface ExporterOptions {
  /** `service.name` and so on; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come on top. */
  readonly resource: TraceAttributes;
  /** Base address of an OTLP receiver; the environment's if not given. */
  readonly endpoint?: string | undefined;
  readonly protocol?: OtlpProtocol | undefined;
  /** Where spans go when nothing says where; SLICEWAY_TRACE_DIRECTORY if not given. */
  readonly fallbackFile?: TraceFileOptions | undefined;
  /** Module with a `SpanProcessor`; SLICEWAY_TRACE_PROCESSOR if not given. */
  readonly processor?: string | undefined;
  /** Module with a `SpanExporter`; SLICEWAY_TRACE_EXPORTER if not given. */
  readonly exporter?: string | undefined;
  /** `process.env` if not given. */
  readonly environment?: Environment | undefined;
  /** Takes what goes wrong, each kind once a minute; a process warning if not given. */
  readonly log?: ((message: string) => void) | undefined;
}

/** The exporter's thread, seen from the thread that started it. Its methods never throw or reject. */
export interface Exporter {
  /** Where spans go; when it is nowhere, no thread was started and nothing need be recorded. */
  readonly destinations: readonly string[];
  /** Rings of `threadWriter` announce themselves. */
  addRing(buffer: SharedArrayBuffer): void;
  /** Sends all that is recorded. @returns whether that was done in time */
  flush(timeoutMs?: number): Promise<boolean>;
  /** `flush`, and the end of the thread, in time or by force. @returns whether it was in time */
  shutdown(timeoutMs?: number): Promise<boolean>;
  stats(): ExportStatsSnapshot;
}

const FLUSH_MS = 5000;

/** Starts the thread that exports what this process records: one at a time. It keeps the process not alive. */
export function startExporter(options: ExporterOptions): Exporter {
  const { log = warn } = options;
  const config = readOtelConfig(options.environment);
  const { maxBatchSpans, maxQueueSpans, scheduleDelayMs, exportTimeoutMs } = config;
  config.warnings.forEach((warning) => log(warning));
  const stats = new ExportStats();
  const { destinations, names } = chooseDestinations(options, config);
  if (names.length === 0) return nowhere(stats);
  const control = SharedControl.ofProcess();
  // Spans refer to an estimate from the first one on.
  updateOrigin(control);
  const supervisor = new ExporterSupervisor({
    environment: config.environment,
    log,
    stats,
    // Rings that nobody reads would count every span as dropped.
    onGivenUp: () => (control.enabled = false),
    data: {
      control: control.buffer,
      stats: stats.buffer,
      resource: { ...options.resource, ...config.resource },
      destinations,
      sglangNames: config.sglangNames,
      spanLimits: config.spanLimits,
      context: { maxBatchSpans, maxQueueSpans, scheduleDelayMs, exportTimeoutMs },
    },
  });
  return {
    destinations: names,
    addRing: (buffer) => supervisor.addRing(buffer),
    flush: (timeoutMs = FLUSH_MS) => supervisor.flush(timeoutMs),
    shutdown: (timeoutMs = FLUSH_MS) => supervisor.shutdown(timeoutMs),
    stats: () => stats.snapshot(),
  };
}

function nowhere(stats: ExportStats): Exporter {
  return {
    destinations: [],
    addRing() {},
    flush: () => Promise.resolve(true),
    shutdown: () => Promise.resolve(true),
    stats: () => stats.snapshot(),
  };
}

function warn(message: string): void {
  process.emitWarning(message, 'TracingWarning');
}
