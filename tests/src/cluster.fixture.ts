import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalEngine } from '@sliceway/engine';
import {
  provideNatsServer,
  startCluster,
  startNats,
  type ClusterProcess,
  type LocalCluster,
  type NatsOptions,
  type NatsServer,
  type Role,
} from '@sliceway/local';
import { chat, type Answer, type ChatFields, type ReadOptions } from './chat-stream.fixture.js';

/** Each look asks every process for its metrics, which costs them time. */
const HELD_POLL_MS = 50;

export interface FixtureOptions {
  readonly modelPath: string;
  readonly kvMemoryMb: number;
  readonly counts?: Partial<Record<Role, number>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** What LocalEngine makes of a request. */
export interface Expected {
  readonly texts: string[];
  readonly tokens: number[][];
}

export interface Connection {
  readonly name?: string;
  readonly subscriptions_list?: readonly string[];
}

export interface ChatOptions extends ReadOptions {
  /** Default: the first one that runs. */
  readonly gateway?: ClusterProcess;
}

/** Real processes on a broker of their own, beside a LocalEngine with the same model. */
export class ClusterFixture {
  /** Chat requests by the gateway that they were sent to. */
  readonly sent = new Map<ClusterProcess, number>();

  private constructor(
    readonly cluster: LocalCluster,
    readonly local: LocalEngine,
    readonly model: string,
    private broker: NatsServer,
    private readonly brokerOptions: NatsOptions,
    private readonly monitorUrl: string,
    private readonly folder: string,
  ) {}

  static async start({ modelPath, kvMemoryMb, counts = {}, env = {} }: FixtureOptions): Promise<ClusterFixture> {
    const source = await provideNatsServer();
    if ('url' in source) throw new Error('these tests look into a broker of their own: unset NATS_URL');
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-cluster-'));
    const monitorPort = await freePort();
    const brokerOptions = {
      binary: source.binary,
      logFile: join(folder, 'nats-server.log'),
      args: ['-m', String(monitorPort)],
    };
    const nats = await startNats(brokerOptions);
    const starting = startCluster({
      model: modelPath,
      counts,
      natsUrl: nats.url,
      logDirectory: folder,
      env: {
        SLICEWAY_BACKEND: 'wasm',
        SLICEWAY_KV_MEMORY_MB: String(kvMemoryMb),
        SLICEWAY_HEARTBEAT_INTERVAL_MS: '200',
        ...env,
      },
    });
    try {
      const [cluster, local] = await Promise.all([
        starting,
        LocalEngine.start({ modelPath, backend: 'wasm', kvMemoryMb }),
      ]);
      const monitorUrl = `http://127.0.0.1:${monitorPort}`;
      return new ClusterFixture(cluster, local, basename(modelPath, '.gguf'), nats, brokerOptions, monitorUrl, folder);
    } catch (error) {
      await starting.then((cluster) => cluster.stop()).catch(() => {});
      await nats.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.broker.stop();
    await this.local.close();
    rmSync(this.folder, { recursive: true });
  }

  /** Those that work: one that is being started does not yet. */
  get running(): ClusterProcess[] {
    return this.cluster.processes.filter(({ isReady }) => isReady);
  }

  get nats(): NatsServer {
    return this.broker;
  }

  /** kill -9, and a new one on the same port. */
  async restartNats(): Promise<void> {
    this.broker.process.kill('SIGKILL');
    await this.broker.process.exited;
    this.broker = await startNats({ ...this.brokerOptions, port: Number(new URL(this.broker.url).port) });
  }

  chat(
    fields: ChatFields,
    { gateway = this.cluster.running('gateway')[0]!, ...options }: ChatOptions = {},
  ): Promise<Answer> {
    this.sent.set(gateway, (this.sent.get(gateway) ?? 0) + 1);
    return chat(gateway.url, this.model, fields, options);
  }

  async expected({ content, max_tokens, ...fields }: ChatFields, ignoreEos = true): Promise<Expected> {
    const { n: choices = 1, temperature = 0, top_p: topP = 1, top_k: topK = 0, seed = 0 } = fields;
    const texts = Array.from({ length: choices }, () => '');
    const tokens = texts.map((): number[] => []);
    const params = { maxNewTokens: max_tokens, choices, temperature, topP, topK, seed, ignoreEos };
    for await (const chunk of this.local.generate({ messages: [{ role: 'user', content }] }, params)) {
      texts[chunk.choice] += chunk.text;
      tokens[chunk.choice]!.push(chunk.tokenId);
    }
    return { texts, tokens };
  }

  /** Sum of a metric over a process's series that have all of `labels`. */
  async metric({ url }: ClusterProcess, name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** `<metric> of <process>: <value>` for every one of `processes` that holds pages or requests. */
  async held(processes: readonly ClusterProcess[] = this.running): Promise<string[]> {
    const names = ['sliceway_kv_pages_used', 'sliceway_requests_active', 'sliceway_running', 'sliceway_waiting'];
    const read = async (process: ClusterProcess, name: string): Promise<string[]> => {
      const value = await this.metric(process, name);
      return value === 0 ? [] : [`${name} of ${process.name}: ${value}`];
    };
    return (await Promise.all(processes.flatMap((each) => names.map((name) => read(each, name))))).flat();
  }

  /** Polls until nothing is held or time is up. @returns what is held then */
  async heldAfter(timeoutMs: number, processes?: readonly ClusterProcess[]): Promise<string[]> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const held = await this.held(processes);
      if (held.length === 0 || performance.now() > deadlineMs) return held;
      await sleep(HELD_POLL_MS);
    }
  }

  /** Every subscription that the broker knows, in order. */
  async subscriptions(): Promise<string[]> {
    return (await this.connections()).flatMap(({ subscriptions_list = [] }) => subscriptions_list).sort();
  }

  /** Every connection that the broker knows. */
  async connections(): Promise<readonly Connection[]> {
    const response = await fetch(`${this.monitorUrl}/connz?subs=1&limit=1000`);
    return ((await response.json()) as { connections: readonly Connection[] }).connections;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
