import { join } from 'node:path';
import type { TraceAttributes } from '../request-trace.js';
import { encodeOtlpJson } from './otlp-json.js';
import { pruneFiles, RotatingFile } from './rotating-file.js';
import type { SpanDestination } from './span-sink.js';

export interface TraceFileOptions {
  readonly directory: string;
  /** Of one file; 16 MiB if not given. */
  readonly maxBytes?: number;
  /** Of this process, the newest included; 2 if not given. */
  readonly maxFiles?: number;
}

const MAX_BYTES = 16 << 20;
const MAX_FILES = 2;
/** Files of processes that have ended. */
const KEPT_FILES = 16;
const FILE_NAME = /^traces-.*-(\d+)(?:\.\d+)?\.jsonl$/;

/**
 * Spans in files `traces-{service}-{instance}-{pid}.jsonl`, an ExportTraceServiceRequest in OTLP's JSON a line, as the
 * OpenTelemetry Collector's file exporter writes them. Each process has files of its own.
 */
export function createFileDestination(options: TraceFileOptions, resource: TraceAttributes): SpanDestination {
  const { directory, maxBytes = MAX_BYTES, maxFiles = MAX_FILES } = options;
  const name = traceFileName(resource);
  const file = new RotatingFile({ path: join(directory, name), maxBytes, maxFiles });
  pruneFiles(directory, FILE_NAME, KEPT_FILES, name);
  return {
    name: 'otlp_file',
    send: (spans) => file.append(encodeOtlpJson(spans, resource)),
    shutdown: () => Promise.resolve(file.close()),
  };
}

function traceFileName(resource: TraceAttributes): string {
  const parts = ['traces', resource['service.name'], resource['service.instance.id'], process.pid];
  const known = parts.filter((part) => part !== undefined && part !== '');
  return `${known.map((part) => String(part).replace(/[^\w.]+/g, '_')).join('-')}.jsonl`;
}
