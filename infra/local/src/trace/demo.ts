import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StopRequest } from '../cli/stop-request.js';
import { serve, type ServeSurroundings, type UpCluster } from '../cli/serve.js';
import { type LocalConfig, localConfigFromEnv } from '../local.config.js';
import type { ProgressStream } from '../progress.js';
import type { Reporter } from '../reporter.js';
import type { DemoOptions } from './demo-options.js';
import { sendChat } from './demo-request.js';
import { findJaeger } from './find-jaeger.js';
import { printTrace } from './print-trace.js';
import { type Jaeger, startJaeger } from './start-jaeger.js';
import { waitForTrace } from './wait-for-trace.js';

const JAEGER_TIMEOUT_MS = 10_000;
const POLL_MS = 100;

/** Sends one request to a cluster of its own and shows its trace. Resolves with the exit code. */
export async function runDemo(
  options: DemoOptions,
  stop: StopRequest,
  reporter: Reporter,
  output: ProgressStream,
  surroundings: ServeSurroundings = {},
): Promise<number> {
  const config = localConfigFromEnv();
  let jaeger: Jaeger | null = null;
  return serve(options.cluster, stop, reporter, surroundings, {
    async prepare(logDirectory) {
      jaeger = await openJaeger(config, join(logDirectory, 'jaeger.log'), reporter);
      return { SLICEWAY_TRACE_LEVEL: String(options.level), ...exportTo(config, jaeger) };
    },
    async run(up) {
      await showRequest(options, up, { jaeger, output, reporter });
      if (!options.isOnce) {
        reporter.note(
          `\nServing on ${up.cluster.gatewayUrl}; traces in ${up.traceDirectory}. Ctrl-C stops everything.`,
        );
      }
      return !options.isOnce;
    },
    close: async () => jaeger?.stop(),
  });
}

/** Null where the trace goes elsewhere or to files alone. */
async function openJaeger(config: LocalConfig, logFile: string, reporter: Reporter): Promise<Jaeger | null> {
  if (config.otlpEndpoint !== null) {
    reporter.note(`traces: to ${config.otlpEndpoint}`);
    return null;
  }
  const source = await findJaeger(config);
  if (source === null) {
    reporter.note(
      'Jaeger: none (set SLICEWAY_JAEGER, put jaeger-all-in-one on PATH, or have Docker run); going on with files alone',
    );
    return null;
  }
  if ('binary' in source) {
    reporter.note(`Jaeger: ${source.binary}`);
    return startJaeger({ source, logFile });
  }
  reporter.note(`Jaeger: a container, started by ${source.docker}`);
  try {
    return await startJaeger({ source, logFile });
  } catch (error) {
    // Nobody asked for it: a registry that cannot be reached must not end this.
    reporter.note(`Jaeger: none (${(error as Error).message}); going on with files alone`);
    return null;
  }
}

/** The tree comes from files, wherever else the trace goes. */
function exportTo({ environment, otlpEndpoint }: LocalConfig, jaeger: Jaeger | null): Record<string, string> {
  const usual = jaeger === null && otlpEndpoint === null ? [] : ['otlp'];
  const wanted = environment['OTEL_TRACES_EXPORTER']?.split(',').map((name) => name.trim()) ?? usual;
  const exporters = new Set([...wanted, 'otlp_file'].filter((name) => name !== '' && name !== 'none'));
  return {
    OTEL_TRACES_EXPORTER: [...exporters].join(','),
    ...(jaeger === null
      ? {}
      : { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.grpcEndpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
  };
}

interface Surroundings {
  readonly jaeger: Jaeger | null;
  readonly output: ProgressStream;
  readonly reporter: Reporter;
}

async function showRequest(
  { prompt, maxTokens }: DemoOptions,
  { cluster, traceDirectory, signal }: UpCluster,
  { jaeger, output, reporter }: Surroundings,
): Promise<void> {
  reporter.note(`\n> ${prompt}`);
  const onText = (text: string): void => void output.write(text);
  const { rid } = await sendChat(cluster.gatewayUrl, { prompt, maxTokens, signal, onText });
  reporter.note(`\n\nx-request-id: ${rid}`);
  const { traceId, spanCount, missing } = await waitForTrace(traceDirectory, rid, signal);
  if (missing !== null)
    reporter.note(`The trace in ${traceDirectory} is not complete: there is no sign of ${missing}.`);
  if (traceId === null) return;
  if (jaeger !== null) {
    const isThere = await untilJaegerHas(jaeger, traceId, spanCount, signal);
    reporter.note(`trace: ${jaeger.url}/trace/${traceId}${isThere ? '' : ' (not all of it has come there yet)'}`);
  }
  output.write('\n');
  await printTrace(traceDirectory, rid, output);
}

async function untilJaegerHas({ url }: Jaeger, traceId: string, count: number, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = performance.now() + JAEGER_TIMEOUT_MS;
  while (!signal.aborted && performance.now() < deadlineMs) {
    const response = await fetch(`${url}/api/traces/${traceId}`, { signal }).catch(() => null);
    const body = response?.ok ? ((await response.json()) as { data?: readonly { spans: readonly unknown[] }[] }) : null;
    if ((body?.data?.[0]?.spans.length ?? 0) >= count) return true;
    await sleep(POLL_MS);
  }
  return false;
}
