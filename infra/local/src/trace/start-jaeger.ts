import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess, type ProcessSpec } from '../cluster/managed-process.js';
import { waitUntilReady } from '../cluster/wait-until-ready.js';
import type { JaegerSource } from './find-jaeger.js';
import { freePort } from './free-port.js';

export interface JaegerOptions {
  readonly source: JaegerSource;
  readonly logFile: string;
  /** With an image to pull it may take minutes. Default 120 s. */
  readonly readyTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A Jaeger of our own; it forgets all when it stops. */
export interface Jaeger {
  /** Of its pages and its JSON API. */
  readonly url: string;
  /** Of its OTLP receivers, as `OTEL_EXPORTER_OTLP_ENDPOINT` has them. */
  readonly grpcEndpoint: string;
  readonly httpEndpoint: string;
  readonly process: ManagedProcess;
  stop(): Promise<void>;
}

interface Ports {
  readonly ui: number;
  readonly grpc: number;
  readonly http: number;
}

const HOST = '127.0.0.1';
const IMAGE = 'jaegertracing/all-in-one:1.76.0';
const USUAL: Ports = { ui: 16686, grpc: 4317, http: 4318 };
const POLL_MS = 50;
const STOP_TIMEOUT_MS = 10_000;

/** Starts Jaeger on its usual loopback ports, or on free ones where those are taken. @throws StartError */
export async function startJaeger(options: JaegerOptions): Promise<Jaeger> {
  const { source, logFile, readyTimeoutMs = 120_000, signal } = options;
  const ports = { ui: await freePort(USUAL.ui), grpc: await freePort(USUAL.grpc), http: await freePort(USUAL.http) };
  const command = 'binary' in source ? await binaryCommand(source.binary, ports) : dockerCommand(source.docker, ports);
  const child = new ManagedProcess({ name: 'jaeger', logFile, ...command });
  const url = `http://${HOST}:${ports.ui}`;
  const polling = new AbortController();
  try {
    await waitUntilReady(child, untilAnswers(`${url}/api/services`, polling.signal), {
      timeoutMs: readyTimeoutMs,
      signal,
    });
  } catch (error) {
    await child.stop(STOP_TIMEOUT_MS);
    throw error;
  } finally {
    polling.abort();
  }
  return {
    url,
    grpcEndpoint: `http://${HOST}:${ports.grpc}`,
    httpEndpoint: `http://${HOST}:${ports.http}`,
    process: child,
    stop: async () => void (await child.stop(STOP_TIMEOUT_MS)),
  };
}

type Command = Pick<ProcessSpec, 'command' | 'args' | 'environment'>;

async function binaryCommand(binary: string, { ui, grpc, http }: Ports): Promise<Command> {
  const addresses = {
    'query.http-server': ui,
    'collector.otlp.grpc': grpc,
    'collector.otlp.http': http,
    // Nobody asks for these, but they must not keep another Jaeger from starting.
    'query.grpc-server': await freePort(),
    'collector.grpc-server': await freePort(),
    'collector.http-server': await freePort(),
    'admin.http': await freePort(),
  };
  const args = Object.entries(addresses).map(([name, port]) => `--${name}.host-port=${HOST}:${port}`);
  // Its own spans about our questions are no part of what we ask for.
  const environment = { ...process.env, COLLECTOR_OTLP_ENABLED: 'true', OTEL_TRACES_SAMPLER: 'always_off' };
  return { command: binary, args: [...args, '--memory.max-traces=10000'], environment };
}

function dockerCommand(docker: string, ports: Ports): Command {
  const names = ['ui', 'grpc', 'http'] as const;
  const published = names.flatMap((name) => ['-p', `${HOST}:${ports[name]}:${USUAL[name]}`]);
  const environment = ['-e', 'COLLECTOR_OTLP_ENABLED=true'];
  const args = ['run', '--rm', '--init', ...published, ...environment, IMAGE, '--memory.max-traces=10000'];
  return { command: docker, args, environment: process.env };
}

async function untilAnswers(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const response = await fetch(url, { signal }).catch(() => null);
    if (response?.ok === true) return;
    await sleep(POLL_MS);
  }
}
