import type { TraceAttributes } from '../request-trace.js';
import { readSpanLimits, type SpanLimits } from './span-limits.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Values of `OTEL_TRACES_EXPORTER` that are known here. */
export const TracesExporter = { otlp: 'otlp', otlpFile: 'otlp_file', console: 'console', none: 'none' } as const;
export type TracesExporter = (typeof TracesExporter)[keyof typeof TracesExporter];

export const OtlpProtocol = { grpc: 'grpc', httpProtobuf: 'http/protobuf' } as const;
export type OtlpProtocol = (typeof OtlpProtocol)[keyof typeof OtlpProtocol];

/** What the exporter takes from the environment; what the OTLP transports take from it (headers, certificates …) they read themselves. */
export interface OtelConfig {
  readonly isDisabled: boolean;
  /** Null if not set. */
  readonly exporters: readonly TracesExporter[] | null;
  readonly hasEndpoint: boolean;
  readonly protocol: OtlpProtocol;
  readonly maxBatchSpans: number;
  readonly maxQueueSpans: number;
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
  readonly spanLimits: SpanLimits;
  /** `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`. */
  readonly resource: TraceAttributes;
  readonly traceDirectory: string | undefined;
  readonly processorModule: string | undefined;
  readonly exporterModule: string | undefined;
  /** Attributes have SGLang's names, too, where it has others. */
  readonly sglangNames: boolean;
  readonly environment: Environment;
  /** One sentence for each value that was not taken. */
  readonly warnings: readonly string[];
}

/** A bad value is a warning and counts as not set: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export function readOtelConfig(environment: Environment = process.env): OtelConfig {
  const warnings: string[] = [];
  const text = (name: string): string | undefined => environment[name]?.trim() || undefined;

  function number(name: string, fallback: number, min: number): number {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = Number(value);
    if (Number.isInteger(parsed) && parsed >= min && parsed <= 0x7fffffff) return parsed;
    warnings.push(`${name} is ${JSON.stringify(value)}: expected a whole number from ${min}; ${fallback} is used`);
    return fallback;
  }

  function flag(name: string): boolean {
    const value = text(name)?.toLowerCase();
    if (value === 'true') return true;
    if (value !== undefined && value !== 'false') {
      warnings.push(`${name} is ${JSON.stringify(value)}: expected true or false; false is used`);
    }
    return false;
  }

  function exporters(): TracesExporter[] | null {
    const value = text('OTEL_TRACES_EXPORTER');
    if (value === undefined) return null;
    const known: readonly string[] = Object.values(TracesExporter);
    const names = [...new Set(value.split(',').map((name) => name.trim()))].filter((name) => name !== '');
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      warnings.push(`OTEL_TRACES_EXPORTER has ${unknown.join(', ')}: known are ${known.join(', ')}`);
    }
    return names.filter((name): name is TracesExporter => known.includes(name));
  }

  function protocol(): OtlpProtocol {
    const name = text('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL')
      ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
      : 'OTEL_EXPORTER_OTLP_PROTOCOL';
    const value = text(name);
    if (value === OtlpProtocol.grpc) return OtlpProtocol.grpc;
    if (value !== undefined && value !== OtlpProtocol.httpProtobuf) {
      warnings.push(`${name} is ${JSON.stringify(value)}: expected grpc or http/protobuf; http/protobuf is used`);
    }
    return OtlpProtocol.httpProtobuf;
  }

  function resource(): TraceAttributes {
    const attributes: Record<string, string> = {};
    for (const pair of text('OTEL_RESOURCE_ATTRIBUTES')?.split(',') ?? []) {
      const [, key, value] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
      try {
        if (key === undefined) throw new Error('no key');
        attributes[decodeURIComponent(key)] = decodeURIComponent(value!);
      } catch {
        warnings.push(
          `OTEL_RESOURCE_ATTRIBUTES has ${JSON.stringify(pair)}: expected key=value, percent-encoded; it is left out`,
        );
      }
    }
    const serviceName = text('OTEL_SERVICE_NAME');
    return serviceName === undefined ? attributes : { ...attributes, 'service.name': serviceName };
  }

  const maxQueueSpans = number('OTEL_BSP_MAX_QUEUE_SIZE', 65_536, 1);
  return {
    isDisabled: text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true',
    exporters: exporters(),
    hasEndpoint: (text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? text('OTEL_EXPORTER_OTLP_ENDPOINT')) !== undefined,
    protocol: protocol(),
    maxBatchSpans: Math.min(number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 1), maxQueueSpans),
    maxQueueSpans,
    scheduleDelayMs: number('OTEL_BSP_SCHEDULE_DELAY', 500, 0),
    exportTimeoutMs: number('OTEL_BSP_EXPORT_TIMEOUT', 30_000, 1),
    spanLimits: readSpanLimits((name, fallback) => number(name, fallback, 0)),
    resource: resource(),
    traceDirectory: text('SLICEWAY_TRACE_DIRECTORY'),
    processorModule: text('SLICEWAY_TRACE_PROCESSOR'),
    exporterModule: text('SLICEWAY_TRACE_EXPORTER'),
    sglangNames: flag('SLICEWAY_TRACE_SGLANG_NAMES'),
    environment,
    warnings,
  };
}
