import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OtlpReceiver } from '@sliceway/testing';
import {
  type Exporter,
  type ExporterOptions,
  startExporter,
} from '@sliceway/tracing/internal/export/start-exporter.js';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import type { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';

/** What is waited for comes within this time. */
export const PATIENCE_MS = 10_000;

export const PROTOCOLS = ['http/protobuf', 'grpc'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What an exporter needs to send to a receiver. */
export function otlpTo(receiver: OtlpReceiver, protocol: Protocol): Record<string, string> {
  const endpoint = protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl;
  return { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
}

/** Exporters of a test, with rings of its own; closed in the end. */
export class Exporting {
  readonly directory = mkdtempSync(join(tmpdir(), 'sliceway-export-'));
  readonly logs: string[] = [];
  readonly #exporters: Exporter[] = [];

  constructor() {
    // Rings that other spec files of this process left behind do not answer.
    SharedControl.ofProcess().enabled = false;
  }

  start(environment: Record<string, string> = {}, options: Partial<ExporterOptions> = {}): Exporter {
    const exporter = startExporter({
      resource: { 'service.name': 'sliceway-test', 'service.instance.id': 'one' },
      environment: { OTEL_BSP_SCHEDULE_DELAY: '20', ...environment },
      log: (message) => this.logs.push(message),
      ...options,
    });
    this.#exporters.push(exporter);
    return exporter;
  }

  async close(): Promise<void> {
    await Promise.all(this.#exporters.map((exporter) => exporter.shutdown(200)));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** `count` spans called `name`, with attribute `i` from `from` on. */
export function record(writer: SpanWriter, count: number, name = 'span', from = 0): void {
  const { epoch } = SharedControl.ofProcess();
  for (let i = from; i < from + count; i++) {
    const id = writer.nameId(name);
    if (!writer.begin(id, i, i + 1, [1, 2, 3, 4], epoch, -1, 1)) continue;
    writer.ids(i + 1, 6);
    if (id < 0) writer.name(name);
    writer.attribute('i', i);
    writer.commit();
  }
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the compiled library lies, for programs of other processes. */
export const TRACING_DIST = new URL('./', pathToFileURL(createRequire(import.meta.url).resolve('@sliceway/tracing')))
  .href;

/** Runs a module in a process of its own; it may import from `dist` by name: `await load('export/start-exporter.js')`. */
export function runProgram(
  source: string,
  environment: Record<string, string> = {},
  timeoutMs = 20_000,
): Promise<Ended> {
  const dist = TRACING_DIST;
  const program = `const load = (path) => import(new URL(path, ${JSON.stringify(dist)}).href);\n${source}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { PATH: process.env['PATH'], ...environment },
    timeout: timeoutMs,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}
