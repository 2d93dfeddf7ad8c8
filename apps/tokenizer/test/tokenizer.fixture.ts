import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ClusterProcess, localConfigFromEnv, provideNatsServer, startNats, type NatsServer } from '@sliceway/local';
import {
  parseEncodeReply,
  parseHeartbeat,
  subjects,
  type Abort,
  type EncodeReply,
  type EncodeRequest,
  type Heartbeat,
} from '@sliceway/protocol';
import { tinyModel } from '@sliceway/testing';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), '../main.js');

/** A real tokenizer process on a real nats-server. */
export class TokenizerFixture {
  private constructor(
    readonly nats: NatsServer,
    readonly connection: NatsConnection,
    readonly tokenizer: ClusterProcess,
    private readonly directory: string,
  ) {}

  /** @param environment of the process; the model is a tiny one unless it says otherwise */
  static async start(environment: Record<string, string> = {}): Promise<TokenizerFixture> {
    const config = localConfigFromEnv();
    const directory = await mkdtemp(join(tmpdir(), 'sliceway-tokenizer-'));
    const source = await provideNatsServer({ config: { ...config, natsUrl: null } });
    if (!('binary' in source)) throw new Error('These tests start a nats-server of their own.');
    const nats = await startNats({ binary: source.binary, logFile: join(directory, 'nats.log') });
    const tokenizer = new ClusterProcess({
      role: 'tokenizer',
      script: SCRIPT,
      environment: {
        ...config.environment,
        SLICEWAY_MODEL: tinyModel(directory),
        NATS_URL: nats.url,
        PORT: '0',
        SLICEWAY_HEARTBEAT_INTERVAL_MS: '50',
        SLICEWAY_DRAIN_TIMEOUT_MS: '100',
        ...environment,
      },
      logDirectory: directory,
    });
    const exited = tokenizer.exited.then(() => {
      throw new Error(`The tokenizer ended:\n${tokenizer.tail}`);
    });
    await Promise.race([tokenizer.ready, exited]);
    exited.catch(() => {});
    return new TokenizerFixture(nats, await connect({ servers: nats.url }), tokenizer, directory);
  }

  /** An encode request of one choice, with a request id of its own. */
  request(
    prompt: EncodeRequest['prompt'],
    gateway: string,
    output: Partial<EncodeRequest['output']> = {},
  ): EncodeRequest {
    return {
      rid: randomBytes(16).toString('hex'),
      attempt: 0,
      prompt,
      withText: false,
      deadlineMs: 0,
      output: { gateway, choices: 1, stop: [], ...output },
    };
  }

  async encode(request: unknown, timeoutMs = 20_000): Promise<EncodeReply> {
    const subject = subjects.encode(this.tokenizer.instance);
    const packet = JSON.stringify({ pattern: subject, data: request, id: randomBytes(8).toString('hex') });
    const reply = await this.connection.request(subject, packet, { timeout: timeoutMs });
    const { response, err } = reply.json<{ response?: unknown; err?: unknown }>();
    if (response === undefined) throw new Error(`no answer: ${JSON.stringify(err)}`);
    return parseEncodeReply(response);
  }

  /** Opens a request without caring for its prompt. */
  async open(gateway: string, output: Partial<EncodeRequest['output']> = {}): Promise<string> {
    const request = this.request({ ids: [1] }, gateway, output);
    await this.encode(request);
    return request.rid;
  }

  abort(abort: Abort): void {
    const subject = subjects.abort('tokenizer', this.tokenizer.instance);
    this.connection.publish(subject, JSON.stringify({ pattern: subject, data: abort }));
  }

  beat(beat: Heartbeat): void {
    this.connection.publish(subjects.heartbeat, JSON.stringify({ pattern: subjects.heartbeat, data: beat }));
  }

  /** The tokenizer's next heartbeat. */
  nextBeat(): Promise<Heartbeat> {
    return new Promise((resolve) => {
      const subscription = this.connection.subscribe(subjects.heartbeat, {
        callback: (_, message) => {
          const beat = parseHeartbeat(message.json<{ data: unknown }>().data);
          if (beat.instance !== this.tokenizer.instance) return;
          subscription.unsubscribe();
          resolve(beat);
        },
      });
    });
  }

  async openRequests(): Promise<number> {
    const health = (await (await fetch(`${this.tokenizer.url}/health`)).json()) as { load: { running: number } };
    return health.load.running;
  }

  /** The value of the first line of /metrics that begins with `name` and has `label`. */
  async metric(name: string, label = ''): Promise<number> {
    const lines = (await (await fetch(`${this.tokenizer.url}/metrics`)).text()).split('\n');
    const line = lines.find((candidate) => candidate.startsWith(`${name}{`) && candidate.includes(label));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf('} ') + 2).split(' ')[0]);
  }

  async stop(): Promise<void> {
    await this.tokenizer.child.stop(5000);
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
