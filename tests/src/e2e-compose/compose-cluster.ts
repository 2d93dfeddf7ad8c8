import { freePort } from '@sliceway/local';
import { until } from '../until.fixture.js';
import { docker, run } from '../run-command.fixture.js';
import { type Container, inspect } from './docker.js';

export interface ComposeClusterOptions {
  /** As in `['docker', 'compose']`. */
  readonly command: readonly string[];
  readonly files: readonly string[];
  /** Of a model, copied into the volume as somebody would do by hand. */
  readonly model: string;
  readonly scale: Readonly<Record<string, number>>;
  /** Stops whatever is under way, but not `down`. */
  readonly signal: AbortSignal;
}

const READY_TIMEOUT_MS = 240_000;
/** Containers of these end when their work is done. */
const JOBS = ['model', 'secrets'];

/** The cluster of compose.yaml, under a project name and ports of its own. */
export class ComposeCluster {
  readonly #options: ComposeClusterOptions;
  readonly #project = `sliceway-e2e-${process.pid}`;
  #environment: NodeJS.ProcessEnv = {};
  #ports = { gateway: 0, jaeger: 0, prometheus: 0 };

  constructor(options: ComposeClusterOptions) {
    this.#options = options;
  }

  get gateway(): string {
    return `http://127.0.0.1:${this.#ports.gateway}`;
  }

  get jaeger(): string {
    return `http://127.0.0.1:${this.#ports.jaeger}`;
  }

  get prometheus(): string {
    return `http://127.0.0.1:${this.#ports.prometheus}`;
  }

  /** Brings all up and waits until every container is healthy. */
  async up(): Promise<void> {
    this.#ports = { gateway: await freePort(), jaeger: await freePort(), prometheus: await freePort() };
    this.#environment = {
      ...process.env,
      SLICEWAY_LISTEN: '127.0.0.1',
      SLICEWAY_PORT: String(this.#ports.gateway),
      JAEGER_PORT: String(this.#ports.jaeger),
      PROMETHEUS_PORT: String(this.#ports.prometheus),
      GRAFANA_PORT: String(await freePort()),
    };
    await this.compose('up', '--no-start', 'model');
    const [{ Id: init }] = (await this.containers('model')) as [Container];
    await docker('cp', '--follow-link', this.#options.model, `${init}:/models/`);
    const scales = Object.entries(this.#options.scale).flatMap(([name, count]) => ['--scale', `${name}=${count}`]);
    await this.compose('up', '--detach', ...scales);
    await this.untilHealthy();
  }

  /** Stops and deletes all of it: containers, networks, volumes. */
  async down(): Promise<void> {
    await this.#compose(undefined, 'down', '--volumes', '--remove-orphans', '--timeout', '40');
  }

  compose(...args: readonly string[]): Promise<string> {
    return this.#compose(this.#options.signal, ...args);
  }

  #compose(signal: AbortSignal | undefined, ...args: readonly string[]): Promise<string> {
    const { command, files } = this.#options;
    const [program, ...first] = command as [string, ...string[]];
    const chosen = files.flatMap((file) => ['--file', file]);
    return run(program, [...first, '--project-name', this.#project, ...chosen, ...args], this.#environment, signal);
  }

  /** Of one service, or of all. */
  async containers(service?: string): Promise<Container[]> {
    const filters = [`label=com.docker.compose.project=${this.#project}`];
    if (service !== undefined) filters.push(`label=com.docker.compose.service=${service}`);
    const ids = await docker('ps', '--all', '--quiet', ...filters.flatMap((filter) => ['--filter', filter]));
    return inspect(ids.split('\n').filter((id) => id !== ''));
  }

  /**
   * What the collector filed. Its image need not have a program that prints it, and its folder is memory: a container of
   * ours looks at it through the collector's process.
   */
  async traceFile(): Promise<string> {
    const [{ Id, Config }] = (await this.containers('collector')) as [Container];
    const [{ Config: ours }] = (await this.containers('tokenizer')) as [Container];
    const print = `process.stdout.write(fs.readFileSync('/proc/1/root/traces/traces.jsonl'))`;
    const shared = ['--pid', `container:${Id}`, '--network', 'none', '--user', Config.User];
    return docker('run', '--rm', ...shared, ours.Image, 'node', '-e', print);
  }

  async untilHealthy(): Promise<void> {
    let unready = '';
    await until('all containers are healthy', READY_TIMEOUT_MS, async () => {
      this.#options.signal.throwIfAborted();
      unready = (await this.containers())
        .filter((container) => !isWell(container))
        .map(describe)
        .join(', ');
      return unready === '';
    }).catch(async (error: unknown) => {
      const logs = await this.compose('logs', '--tail', '15').catch(String);
      throw new Error(`${String(error)}: ${unready}\n${logs}`);
    });
  }
}

export function serviceOf(container: Container): string {
  return container.Config.Labels['com.docker.compose.service'] ?? '';
}

function isWell(container: Container): boolean {
  const { Status, ExitCode, Health } = container.State;
  if (JOBS.includes(serviceOf(container))) return Status === 'exited' && ExitCode === 0;
  return Status === 'running' && (Health === undefined || Health.Status === 'healthy');
}

function describe(container: Container): string {
  const { Status, ExitCode, Health } = container.State;
  return `${container.Name.slice(1)} ${Status} ${Status === 'exited' ? ExitCode : (Health?.Status ?? '')}`.trimEnd();
}
