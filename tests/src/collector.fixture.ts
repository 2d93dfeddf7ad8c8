import { join } from 'node:path';
import { freePort, ManagedProcess, REPOSITORY_ROOT } from '@sliceway/local';
import { until } from './until.fixture.js';

const CONFIG = join(REPOSITORY_ROOT, 'infra', 'otel', 'collector.yaml');
const HOST = '127.0.0.1';

export interface CollectorOptions {
  readonly binary: string;
  readonly folder: string;
  /** OTLP/gRPC, without a scheme. */
  readonly jaeger: string;
  /** OTLP/HTTP receiver that gets the same. */
  readonly witness: string;
}

/** A real Collector with the configuration of this repository; only ports are its own, and the witness is added. */
export class CollectorFixture {
  private constructor(
    readonly process: ManagedProcess,
    readonly grpcEndpoint: string,
    readonly httpEndpoint: string,
    /** What its file exporter writes. */
    readonly file: string,
  ) {}

  static async start({ binary, folder, jaeger, witness }: CollectorOptions): Promise<CollectorFixture> {
    const [grpc, http, health] = [await freePort(), await freePort(), await freePort()];
    const file = join(folder, 'collector.jsonl');
    const overrides = [
      `receivers::otlp::protocols::grpc::endpoint: ${HOST}:${grpc}`,
      `receivers::otlp::protocols::http::endpoint: ${HOST}:${http}`,
      `extensions::health_check::endpoint: ${HOST}:${health}`,
      `exporters::otlp_http/witness::endpoint: ${witness}`,
      'service::pipelines::traces::exporters: [otlp_grpc/jaeger, file, otlp_http/witness]',
      'service::telemetry::metrics::level: none',
    ];
    const child = new ManagedProcess({
      name: 'otelcol',
      command: binary,
      args: ['--config', CONFIG, ...overrides.flatMap((yaml) => ['--config', `yaml:${yaml}`])],
      environment: { ...process.env, JAEGER_OTLP_ENDPOINT: jaeger, SLICEWAY_TRACE_FILE: file },
      logFile: join(folder, 'otelcol.log'),
    });
    try {
      await until('the collector is healthy', 20_000, async () => {
        if (!child.isRunning) throw new Error(`the collector ended:\n${child.tail}`);
        return (await fetch(`http://${HOST}:${health}`).catch(() => null))?.ok === true;
      });
    } catch (error) {
      await child.stop(1000);
      throw error;
    }
    return new CollectorFixture(child, `http://${HOST}:${grpc}`, `http://${HOST}:${http}`, file);
  }

  /** What it holds is sent on before it ends. */
  async stop(): Promise<void> {
    await this.process.stop(10_000);
  }
}
