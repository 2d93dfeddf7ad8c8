import type { ExportStatsSnapshot } from './export/export-stats.js';
import { startExporter } from './export/start-exporter.js';
import { abortRequests } from './live-requests.js';
import { processResource } from './process-resource.js';
import { SharedControl } from './recording/shared-control.js';
import { threadWriter } from './recording/thread-writer.js';
import { readSampling } from './sampling.config.js';
import { traceLevel, traceModules } from './trace-level.config.js';
import type { TraceLevel, TraceModule } from './trace-level.js';

export interface TracingOptions {
  /** `service.name` in the trace, such as `sliceway-gateway`. */
  readonly serviceName: string;
  /** `service.instance.id`: the worker's instance. */
  readonly serviceInstanceId?: string;
  /** Further attributes of the resource. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Of an OTLP receiver; OTEL_EXPORTER_OTLP_ENDPOINT if not given. */
  readonly endpoint?: string;
  readonly protocol?: 'grpc' | 'http/protobuf';
  /** That of SLICEWAY_TRACE_LEVEL if not given, else `normal`. */
  readonly level?: TraceLevel;
  /** Those of SLICEWAY_TRACE_MODULES if not given, else all. */
  readonly modules?: readonly TraceModule[];
  /** Takes what goes wrong with the export, each kind once a minute; a process warning if not given. */
  readonly log?: (message: string) => void;
}

export interface TracingStats extends ExportStatsSnapshot {
  /** Contexts that were ignored, for they were malformed. */
  readonly malformedContexts: number;
}

export interface Tracing {
  /** Of the requests that start from now on. */
  readonly level: TraceLevel;
  setLevel(level: TraceLevel): void;
  /** Where spans go; nothing is recorded where it is nowhere. */
  readonly destinations: readonly string[];
  /** What became of spans since the start. */
  stats(): TracingStats;
  /** Sends what is recorded. @returns whether that was done in time */
  flush(timeoutMs?: number): Promise<boolean>;
  /**
   * Ends this thread's live requests as errors, sends what is recorded, within a limit, and stops. Never rejects.
   * @param reason that these requests end with; `shutdown` if not given
   * @returns whether it was in time
   */
  shutdown(timeoutMs?: number, reason?: string): Promise<boolean>;
}

/** Starts tracing in this process: once, before its first request. All standard OTEL_* variables count. */
export function initTracing(options: TracingOptions): Tracing {
  const { serviceName, serviceInstanceId, resource, endpoint, protocol, log = warn } = options;
  const control = SharedControl.ofProcess();
  control.level = options.level ?? traceLevel(log);
  control.modules = options.modules ?? traceModules(log);
  const { ratio, ignoresParent } = readSampling(log);
  control.ratio = ratio;
  control.ignoresParent = ignoresParent;
  const instance = serviceInstanceId === undefined ? {} : { 'service.instance.id': serviceInstanceId };
  const exporter = startExporter({
    resource: { 'service.name': serviceName, ...instance, ...processResource(), ...resource },
    endpoint,
    protocol,
    log,
  });
  control.enabled = exporter.destinations.length > 0;
  // Announced by itself, it could come after the shutdown of a short process.
  if (control.enabled) exporter.addRing(threadWriter().buffer);
  return {
    get level() {
      return control.level;
    },
    setLevel(next) {
      control.level = next;
    },
    destinations: exporter.destinations,
    stats: () => ({ ...exporter.stats(), malformedContexts: control.malformed }),
    flush: (timeoutMs) => exporter.flush(timeoutMs),
    shutdown(timeoutMs, reason = 'shutdown') {
      abortRequests(reason);
      control.enabled = false;
      return exporter.shutdown(timeoutMs);
    },
  };
}

function warn(message: string): void {
  process.emitWarning(message, 'TracingWarning');
}
