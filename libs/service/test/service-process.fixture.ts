import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ClusterProcess } from '@sliceway/local';
import type { Broker } from './broker.fixture.js';
import { until } from './until.fixture.js';

const SCRIPT = fileURLToPath(new URL('service-app.fixture.js', import.meta.url));

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A process of the smallest service there is. */
export class ServiceProcess {
  readonly child: ClusterProcess;

  constructor(broker: Broker, environment: Record<string, string> = {}) {
    this.child = new ClusterProcess({
      role: 'gateway',
      script: SCRIPT,
      environment: { ...process.env, NATS_URL: broker.url, SLICEWAY_HEARTBEAT_INTERVAL_MS: '100', ...environment },
      logDirectory: broker.directory,
    });
  }

  static async ready(broker: Broker, environment?: Record<string, string>): Promise<ServiceProcess> {
    const service = new ServiceProcess(broker, environment);
    await Promise.race([service.child.ready, service.#early()]);
    return service;
  }

  get instance(): string {
    return this.child.instance;
  }

  /** The JSON lines so far. */
  async lines(): Promise<LogLine[]> {
    const text = await readFile(this.child.logFile, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  async logs(message: string, fields: Record<string, unknown> = {}): Promise<LogLine> {
    let found: LogLine | undefined;
    await until(`${this.child.name} logs "${message}" ${JSON.stringify(fields)}`, async () => {
      const matches = (line: LogLine): boolean => Object.entries(fields).every(([name, value]) => line[name] === value);
      found = (await this.lines()).find((line) => line.msg === message && matches(line));
      return found !== undefined;
    });
    return found!;
  }

  async get(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string; type: string | null }> {
    const response = await fetch(`${this.child.url}${path}`, { headers });
    return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.get(path)).body) as Record<string, unknown>;
  }

  /** Other processes that it knows. */
  async peers(): Promise<string[]> {
    const { peers } = (await this.json('/health')) as { peers: { gateway: { instance: string }[] } };
    return peers.gateway.map(({ instance }) => instance).filter((instance) => instance !== this.instance);
  }

  async exitCode(): Promise<number | null> {
    return (await this.child.exited).code;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.child.exited;
  }

  async #early(): Promise<never> {
    await this.child.exited;
    throw new Error(`${this.child.name} ended:\n${this.child.tail}`);
  }
}
