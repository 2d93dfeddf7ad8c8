import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ClusterProcess, localConfigFromEnv, provideNatsServer, startNats, type NatsServer } from '@sliceway/local';
import OpenAI from 'openai';
import { FakeDecode, FakePrefill } from './fake-engines.js';
import { FakeTokenizer } from './fake-tokenizer.js';
import { HEARTBEAT_INTERVAL_MS } from './fake-peer.js';

const GATEWAY_SCRIPT = join(dirname(fileURLToPath(import.meta.url)), '../main.js');

/** A real gateway process on a real nats-server. */
export class GatewayFixture {
  private constructor(
    private nats: NatsServer,
    private readonly natsBinary: string,
    readonly connection: NatsConnection,
    readonly gateway: ClusterProcess,
    readonly client: OpenAI,
    private readonly directory: string,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<GatewayFixture> {
    const config = localConfigFromEnv();
    const directory = await mkdtemp(join(tmpdir(), 'sliceway-gateway-'));
    const source = await provideNatsServer({ config: { ...config, natsUrl: null } });
    if (!('binary' in source)) throw new Error('These tests start a nats-server of their own.');
    const nats = await startNats({ binary: source.binary, logFile: join(directory, 'nats.log') });
    const gateway = new ClusterProcess({
      role: 'gateway',
      script: GATEWAY_SCRIPT,
      environment: {
        ...config.environment,
        NATS_URL: nats.url,
        PORT: '0',
        SLICEWAY_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_INTERVAL_MS),
        ...environment,
      },
      logDirectory: directory,
    });
    const exited = gateway.exited.then(() => {
      throw new Error(`The gateway ended:\n${gateway.tail}`);
    });
    await Promise.race([gateway.ready, exited]);
    exited.catch(() => {});
    const client = new OpenAI({ apiKey: 'none', baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const connection = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    return new GatewayFixture(nats, source.binary, connection, gateway, client, directory);
  }

  get url(): string {
    return this.gateway.url;
  }

  /** A worker of each role, `00000001` to `00000003` as the first set; resolves when the gateway is ready. */
  async addWorkers(set = 0) {
    const workers = {
      tokenizer: new FakeTokenizer(this.connection, `000000${set}1`),
      prefill: new FakePrefill(this.connection, `000000${set}2`),
      decode: new FakeDecode(this.connection, `000000${set}3`),
    };
    await eventually(async () => (await fetch(`${this.url}/health/ready`)).status === 200, 'the gateway is ready');
    return workers;
  }

  post(body: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  }

  /** The sum of some lines of /metrics; labels in the order in which they are printed are part of the pattern. */
  async metric(pattern: RegExp): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split('\n').filter((candidate) => pattern.test(candidate));
    if (lines.length === 0) throw new Error(`No metric matches ${pattern}.`);
    return lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
  }

  /** Stops nats-server. @returns starts it again where it was */
  async stopNats(): Promise<() => Promise<void>> {
    const port = Number(new URL(this.nats.url).port);
    await this.nats.stop();
    return async () => {
      this.nats = await startNats({ binary: this.natsBinary, port, logFile: join(this.directory, 'nats.log') });
    };
  }

  ends(end: 'finished' | 'aborted' | 'failed'): Promise<number> {
    return this.metric(new RegExp(`^sliceway_requests_total{.*end="${end}"`));
  }

  async stop(): Promise<void> {
    await this.gateway.child.stop(5000);
    await this.connection.close();
    await this.nats.stop();
    await rm(this.directory, { recursive: true });
  }
}

/** Waits until it is so. @param what for the message if it never is */
export async function eventually(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 5000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`);
    await sleep(5);
  }
}
