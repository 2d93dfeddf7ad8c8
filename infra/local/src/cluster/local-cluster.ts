import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { provideNatsServer } from '../provide/provide-nats-server.js';
import type { ClusterOptions } from './cluster-options.js';
import { ClusterProcess, type Role, ROLES } from './cluster-process.js';
import { describeExit, type ManagedProcess, type ProcessExit } from './managed-process.js';
import { StartError, StartErrorCode } from './start-error.js';
import { type NatsServer, startNats } from './start-nats.js';
import { lastWords, waitUntilReady } from './wait-until-ready.js';

/** What every process gets to end by itself, even when time is up. */
const MIN_STOP_MS = 1_000;

/** Where `apps/` is: this file is infra/local/dist/cluster/local-cluster.js. */
export const REPOSITORY_ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** The apps as processes of this machine, with a broker. */
export class LocalCluster {
  readonly natsUrl: string;
  /** The broker, if it is our own. */
  readonly nats: NatsServer | null;
  readonly #options: ClusterOptions;
  readonly #processes: ClusterProcess[] = [];
  readonly #started: Record<Role, number> = { tokenizer: 0, prefill: 0, decode: 0, gateway: 0 };
  #stopping: Promise<void> | null = null;
  #isUp = false;

  private constructor(options: ClusterOptions, nats: NatsServer | null, natsUrl: string) {
    this.#options = options;
    this.nats = nats;
    this.natsUrl = natsUrl;
    void nats?.process.exited.then((exit) => this.#reportExit(nats.process, exit));
  }

  /** @throws StartError, ProvisionError */
  static async start(options: ClusterOptions): Promise<LocalCluster> {
    const cluster = await LocalCluster.#withBroker(options);
    try {
      const wanted = ROLES.flatMap((role) => Array<Role>(options.counts?.[role] ?? 1).fill(role));
      await Promise.all(wanted.map((role) => cluster.#startProcess(role)));
      const serving = cluster.running('gateway').map((gateway) => cluster.#untilServing(gateway));
      await Promise.race([Promise.all(serving), cluster.#firstExit()]);
      cluster.#isUp = true;
      return cluster;
    } catch (error) {
      await cluster.stop(MIN_STOP_MS);
      throw error;
    }
  }

  static async #withBroker(options: ClusterOptions): Promise<LocalCluster> {
    const { natsUrl, natsServer, logDirectory, signal } = options;
    if (natsUrl !== undefined) return new LocalCluster(options, null, natsUrl);
    const source = natsServer === undefined ? await provideNatsServer() : { binary: natsServer };
    if ('url' in source) return new LocalCluster(options, null, source.url);
    const nats = await startNats({ binary: source.binary, logFile: `${logDirectory}/nats-server.log`, signal });
    return new LocalCluster(options, nats, nats.url);
  }

  /** All that were started, in that order, ended ones too. */
  get processes(): readonly ClusterProcess[] {
    return this.#processes;
  }

  running(role: Role): ClusterProcess[] {
    return this.#processes.filter((process) => process.role === role && process.isRunning);
  }

  /** Base URL of the first gateway that runs. */
  get gatewayUrl(): string {
    const [gateway] = this.running('gateway');
    if (gateway === undefined) throw new Error('no gateway runs; start one with startProcess("gateway")');
    return gateway.url;
  }

  /** Starts one more process and waits until it serves: a gateway has to hear of its workers first. @throws StartError, after it was stopped */
  async startProcess(role: Role): Promise<ClusterProcess> {
    const started = await this.#startProcess(role);
    if (role === 'gateway') {
      await this.#untilServing(started).catch(async (error: unknown) => {
        await started.child.stop(MIN_STOP_MS);
        throw error;
      });
    }
    return started;
  }

  /** Waits for its ready line. */
  async #startProcess(role: Role): Promise<ClusterProcess> {
    if (this.#stopping !== null)
      throw new StartError(StartErrorCode.ABORTED, `no ${role} is started: the cluster stops`);
    const { model, host = '127.0.0.1', port = 0, env = {}, logDirectory, onLoading } = this.#options;
    const { appPath = (name: Role) => `${REPOSITORY_ROOT}apps/${name}/dist/main.js` } = this.#options;
    const index = this.#started[role]++;
    const started = new ClusterProcess({
      role,
      script: appPath(role),
      environment: {
        ...process.env,
        NATS_URL: this.natsUrl,
        SLICEWAY_MODEL: model,
        HOST: host,
        PORT: String(role === 'gateway' && index === 0 ? port : 0),
        ...(typeof env === 'function' ? env(role, index) : env),
      },
      logDirectory,
      onLoading,
    });
    this.#processes.push(started);
    await waitUntilReady(started.child, started.ready, this.#readyOptions).catch(async (error: unknown) => {
      await started.child.stop(MIN_STOP_MS);
      throw error;
    });
    void started.exited.then((exit) => this.#reportExit(started, exit));
    return started;
  }

  /** Stops all, the gateways first, the broker last. Calling it again with a shorter limit makes it faster. */
  stop(timeoutMs = this.#options.stopTimeoutMs ?? 20_000): Promise<void> {
    if (this.#stopping === null) {
      this.#stopping = this.#stopAll(timeoutMs);
    } else {
      setTimeout(() => this.#processes.forEach((process) => process.kill('SIGKILL')), timeoutMs).unref();
    }
    return this.#stopping;
  }

  async #stopAll(timeoutMs: number): Promise<void> {
    const [gateways, workers] = [['gateway'], ['tokenizer', 'prefill', 'decode']] as const;
    const deadlineMs = Date.now() + timeoutMs;
    for (const roles of [gateways, workers] as const) {
      const members = this.#processes.filter(({ role }) => (roles as readonly Role[]).includes(role));
      // Running requests need the workers until the gateways have drained.
      await Promise.all(members.map(({ child }) => child.stop(Math.max(MIN_STOP_MS, deadlineMs - Date.now()))));
    }
    await this.nats?.stop();
  }

  get #readyOptions() {
    const { readyTimeoutMs = 120_000, signal } = this.#options;
    return { timeoutMs: readyTimeoutMs, signal };
  }

  /** Waits until the gateway knows a worker of each role. */
  async #untilServing(gateway: ClusterProcess): Promise<void> {
    const stop = new AbortController();
    let last = 'no answer';
    const poll = async () => {
      while (!stop.signal.aborted) {
        const response = await fetch(`${gateway.url}/health/ready`, { signal: stop.signal }).catch(() => null);
        if (response?.ok === true) return;
        if (response !== null) last = `HTTP ${response.status} ${(await response.text()).slice(0, 500)}`;
        await sleep(50);
      }
    };
    try {
      await waitUntilReady(gateway.child, poll(), this.#readyOptions);
    } catch (error) {
      if (!(error instanceof StartError) || error.code !== StartErrorCode.NOT_READY) throw error;
      throw new StartError(
        error.code,
        `${gateway.url}/health/ready never became 200: ${last}${lastWords(gateway.child)}`,
      );
    } finally {
      stop.abort();
    }
  }

  /** Rejects when any of the processes that are there now, or the broker, ends. */
  async #firstExit(): Promise<never> {
    const children = [...this.#processes.map(({ child }) => child), ...(this.nats === null ? [] : [this.nats.process])];
    const [child, exit] = await Promise.race(children.map(async (each) => [each, await each.exited] as const));
    throw new StartError(StartErrorCode.EXITED, `${child.name} ${describeExit(exit)}${lastWords(child)}`);
  }

  #reportExit(process: ClusterProcess | ManagedProcess, exit: ProcessExit): void {
    if (this.#isUp && this.#stopping === null) this.#options.onExit?.(process, exit);
  }
}

/** Starts a cluster on this machine and waits until it serves. @throws StartError, ProvisionError */
export function startCluster(options: ClusterOptions): Promise<LocalCluster> {
  return LocalCluster.start(options);
}
