import { TraceLevel } from './trace-level.js';
import type { TraceModule } from './trace-level.js';

export interface TracingOptions {
  /** `service.name` in the trace, such as `sliceway-gateway`. */
  readonly serviceName: string;
  /** `service.instance.id`: the worker's instance. */
  readonly serviceInstanceId?: string;
  /** Of an OTLP receiver. */
  readonly endpoint?: string;
  readonly protocol?: 'grpc' | 'http/protobuf';
  /** `normal` if not given. */
  readonly level?: TraceLevel;
  /** All if not given. */
  readonly modules?: readonly TraceModule[];
}

export interface Tracing {
  /** Level of the requests that start from now on. */
  readonly level: TraceLevel;
  setLevel(level: TraceLevel): void;
  /** Sends what is recorded, within a limit, and stops. Never rejects. */
  shutdown(timeoutMs?: number): Promise<void>;
}

/** Starts tracing in this process: once, before anything else is imported. Nothing is recorded in this version. */
export function initTracing(options: TracingOptions): Tracing {
  let level = options.level ?? TraceLevel.normal;
  return {
    get level() {
      return level;
    },
    setLevel(next) {
      level = next;
    },
    shutdown: () => Promise.resolve(),
  };
}
