import type { TraceAttributes } from '../request-trace.js';
import type { SharedControl } from '../recording/shared-control.js';
import { SGLANG_NAMES } from '../sglang-names.js';
import { createConsoleDestination } from './console-destination.js';
import type { ExportStats } from './export-stats.js';
import { createFileDestination, type TraceFileOptions } from './file-destination.js';
import type { OtlpProtocol, TracesExporter } from './otel.config.js';
import type { OtlpTransport } from './otlp-transport.js';
import { RecordSink } from './record-sink.js';
import type { Sink, SinkContext } from './sink.js';
import type { SpanLimits } from './span-limits.js';
import { type SpanDestination, SpanSink } from './span-sink.js';

/** Where spans go, settled: what the exporter's thread is started with. */
export interface Destinations {
  readonly exporters: readonly TracesExporter[];
  readonly endpoint: string | undefined;
  readonly protocol: OtlpProtocol;
  readonly file: TraceFileOptions;
  readonly processorModule: string | undefined;
  readonly exporterModule: string | undefined;
}

export interface SinkParts {
  readonly destinations: Destinations;
  /** See SGLANG_NAMES. */
  readonly sglangNames: boolean;
  readonly spanLimits: SpanLimits;
  readonly context: SinkContext;
  readonly control: SharedControl;
  readonly resource: TraceAttributes;
  readonly stats: ExportStats;
  readonly onError: (destination: string, error: Error) => void;
  readonly onWarning: (message: string) => void;
}

/** Those that can be made: one that cannot is an error of its own. Modules are loaded only where they are needed. */
export async function createSinks(parts: SinkParts): Promise<Sink[]> {
  const { destinations, sglangNames, context, control, resource, stats, onError } = parts;
  const spanSink = (destination: SpanDestination): Sink =>
    new SpanSink(destination, context, stats, (error) => onError(destination.name, error));
  const { processorModule, exporterModule } = destinations;
  const makers: readonly (readonly [name: string, make: () => Sink | Promise<Sink>])[] = [
    ...destinations.exporters.map((name) => [name, () => standard(name)] as const),
    ...(processorModule === undefined ? [] : [[processorModule, () => userProcessor(processorModule)] as const]),
    ...(exporterModule === undefined ? [] : [[exporterModule, () => userExporter(exporterModule)] as const]),
  ];

  async function standard(name: TracesExporter): Promise<Sink> {
    if (name === 'console') return spanSink(createConsoleDestination());
    if (name === 'otlp_file') return spanSink(createFileDestination(destinations.file, resource));
    const { onDiagnostics } = await import('./otlp-transport.js');
    onDiagnostics(parts.onWarning);
    const transport = await otlpTransport(destinations);
    const names = sglangNames ? SGLANG_NAMES : null;
    return new RecordSink({
      context,
      control,
      resource,
      stats,
      transport,
      names,
      limits: parts.spanLimits,
      onError: (error) => onError(name, error),
    });
  }

  async function userProcessor(path: string): Promise<Sink> {
    const { createUserProcessor } = await import('./user-sinks.js');
    return createUserProcessor(path, resource, stats, (error) => onError(path, error));
  }

  async function userExporter(path: string): Promise<Sink> {
    const { createUserExporter } = await import('./user-sinks.js');
    return spanSink(await createUserExporter(path, resource));
  }

  const sinks: Sink[] = [];
  for (const [name, make] of makers) {
    try {
      sinks.push(await make());
    } catch (error) {
      stats.add('failures');
      onError(name, error as Error);
    }
  }
  return sinks;
}

async function otlpTransport({ protocol, endpoint }: Destinations): Promise<OtlpTransport> {
  if (protocol === 'grpc') return (await import('./otlp-grpc-transport.js')).createOtlpGrpcTransport(endpoint);
  return (await import('./otlp-http-transport.js')).createOtlpHttpTransport(endpoint);
}
