import { hostname } from 'node:os';
import { VERSION } from './export/version.js';
import type { TraceAttributes } from './request-trace.js';

/**
 * Who records: https://opentelemetry.io/docs/specs/semconv/resource/ of host, process and telemetry SDK, which is this library and
 * not OpenTelemetry's.
 */
export function processResource(): TraceAttributes {
  return {
    'host.name': hostname(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': '@sliceway/tracing',
    'telemetry.sdk.version': VERSION,
  };
}
