import { randomBytes } from 'node:crypto';
import {
  FinishReason,
  NEUTRAL_SAMPLING,
  decodeTextFrame,
  parseEncodeReply,
  parseFailed,
  parseHeartbeat,
  subjects,
} from '@sliceway/protocol';
import type {
  EncodeReply,
  EncodeRequest,
  Failed,
  Heartbeat,
  PrefillLeg,
  SamplingParams,
  TextEntry,
} from '@sliceway/protocol';
import type { NatsConnection } from '@nats-io/transport-node';
import { startCluster, type ClusterProcess, type LocalCluster } from '@sliceway/local';
import { tinyModel } from '@sliceway/testing';
import { Broker } from './broker.fixture.js';
import { until } from './until.fixture.js';

type WorkerRole = 'tokenizer' | 'prefill' | 'decode';
/** Everything that a worker holds for requests. */
const HELD = [
  'sliceway_requests_active',
  'sliceway_running',
  'sliceway_waiting',
  'sliceway_queued_tokens',
  'sliceway_kv_pages_used',
  'sliceway_kv_transfers_open',
];

export const SAMPLING: SamplingParams = { ...NEUTRAL_SAMPLING, temperature: 0, maxNewTokens: 8, ignoreEos: true };
const PROMPT = [...Buffer.from('a prompt of some length, so that it has pages')];

/** Who is lost is missed after three of them: a busy machine may let this process, too, wait for a third of a second. */
const HEARTBEAT_INTERVAL_MS = 300;

type LegChange = Partial<Omit<PrefillLeg, 'sampling'>> & { readonly sampling?: Partial<SamplingParams> };

/** A request as the test's gateway starts it. */
export interface TestRequest {
  readonly rid: string;
  readonly attempt: number;
  readonly room: string;
}

/** Real tokenizer, prefill and decode processes, and the test as their gateway. */
export class Workers {
  readonly failures: Failed[] = [];
  readonly texts: TextEntry[] = [];
  #sequence = 0;
  #startedAtMs = 1;
  #beating: NodeJS.Timeout | undefined;

  private constructor(
    readonly broker: Broker,
    readonly cluster: LocalCluster,
    readonly connection: NatsConnection,
    readonly gateway: string,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Workers> {
    const broker = await Broker.start();
    const cluster = await startCluster({
      model: tinyModel(broker.directory),
      counts: { gateway: 0 },
      natsUrl: broker.url,
      logDirectory: broker.directory,
      env: {
        SLICEWAY_BACKEND: 'wasm',
        SLICEWAY_KV_MEMORY_MB: '4',
        SLICEWAY_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_INTERVAL_MS),
        ...env,
      },
    });
    const connection = await broker.connect();
    const workers = new Workers(broker, cluster, connection, randomBytes(4).toString('hex'));
    workers.#listen();
    return workers;
  }

  #listen(): void {
    this.connection.subscribe(subjects.failed(this.gateway), {
      callback: (_error, message) => void this.failures.push(parseFailed(message.json<{ data: unknown }>().data)),
    });
    this.connection.subscribe(subjects.text(this.gateway), {
      callback: (_error, message) => void this.texts.push(...decodeTextFrame(message.data).entries),
    });
  }

  /** The newest process of a role. */
  get(role: WorkerRole): ClusterProcess {
    return this.cluster.running(role).at(-1)!;
  }

  emit(subject: string, data: unknown): void {
    this.connection.publish(subject, JSON.stringify({ pattern: subject, data }));
  }

  request(attempt = 0, rid = randomBytes(16).toString('hex')): TestRequest {
    return { rid, attempt, room: randomBytes(8).toString('hex') };
  }

  async encode({ rid, attempt }: TestRequest): Promise<EncodeReply> {
    const subject = subjects.encode(this.get('tokenizer').instance);
    const data: EncodeRequest = {
      ...{ rid, attempt, prompt: { ids: PROMPT }, withText: false, deadlineMs: 0 },
      output: { gateway: this.gateway, choices: 1, stop: [] },
    };
    const reply = await this.connection.request(subject, JSON.stringify({ pattern: subject, data, id: rid }));
    return parseEncodeReply(reply.json<{ response: unknown }>().response);
  }

  leg(of: TestRequest, over: LegChange = {}) {
    const tokenizer = this.get('tokenizer').instance;
    const leg = {
      ...of,
      choice: 0,
      choices: 1,
      gateway: this.gateway,
      tokenizer,
      promptIds: PROMPT,
      deadlineMs: 0,
      ...over,
    };
    return { ...leg, sampling: { ...SAMPLING, ...over.sampling } };
  }

  legTo(role: 'prefill' | 'decode', of: TestRequest, over: LegChange = {}, partner?: string): void {
    const other = role === 'prefill' ? 'decode' : 'prefill';
    const data = { ...this.leg(of, over), [other]: partner ?? this.get(other).instance };
    this.emit(subjects.leg(role, this.get(role).instance), data);
  }

  /** Encode and both legs. */
  async begin(over: LegChange = {}, of = this.request()): Promise<TestRequest> {
    await this.encode(of);
    for (const role of ['decode', 'prefill'] as const) this.legTo(role, of, over);
    return of;
  }

  tokensOf({ rid }: TestRequest): number[] {
    return this.texts.filter((entry) => entry.rid === rid).flatMap(({ tokens }) => tokens);
  }

  /** Its text has come to its end. @throws Error that says why a worker failed the attempt */
  async finished({ rid, attempt }: TestRequest): Promise<TextEntry[]> {
    const entries = (): TextEntry[] => this.texts.filter((entry) => entry.rid === rid);
    await until('its last text comes', () => {
      const failed = this.failures.find((one) => one.rid === rid && one.attempt === attempt);
      if (failed) throw new Error(`${failed.from.role}: ${failed.code}: ${failed.message}`);
      return entries().some(({ finish }) => finish !== FinishReason.none);
    });
    return entries();
  }

  async failed({ rid }: TestRequest, from: WorkerRole): Promise<Failed> {
    const find = (): Failed | undefined => this.failures.find((one) => one.rid === rid && one.from.role === from);
    await until(`${from} reports a failure`, () => find() !== undefined);
    return find()!;
  }

  beatOf(instance: string, role: Heartbeat['role'], over: Partial<Heartbeat> = {}): Heartbeat {
    const load = { running: 0, waiting: 0, queuedTokens: 0, kvPagesUsed: 0, kvPagesTotal: 0, maxRunning: 0 };
    return {
      ...{ role, instance, sequence: this.#sequence++, state: 'ready', intervalMs: HEARTBEAT_INTERVAL_MS },
      ...{ host: 'test', pid: 1, startedAtMs: this.#startedAtMs, load, serves: null, ...over },
    };
  }

  /** The test's gateway has a heart, until it is stopped. */
  async live(): Promise<void> {
    const beat = (): void => this.emit(subjects.heartbeat, this.beatOf(this.gateway, 'gateway'));
    this.#beating = setInterval(beat, 50);
    beat();
    for (const { url } of this.cluster.processes.filter(({ isRunning }) => isRunning)) {
      await until('a worker knows the gateway', async () =>
        (await (await fetch(`${url}/health`)).text()).includes(this.gateway),
      );
    }
  }

  /** The gateway is another process from now on. */
  restart(): void {
    this.#startedAtMs++;
  }

  die(): void {
    clearInterval(this.#beating);
  }

  async metric({ url }: ClusterProcess, name: string, label = ''): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** What workers hold for requests. */
  async held(): Promise<string[]> {
    const held: string[] = [];
    for (const worker of this.cluster.processes.filter(({ isRunning }) => isRunning)) {
      for (const name of HELD) {
        const value = await this.metric(worker, name);
        if (value !== 0) held.push(`${name} of ${worker.role}: ${value}`);
      }
    }
    return held;
  }

  async free(timeoutMs?: number): Promise<void> {
    let held: string[] = [];
    await until('nothing is held', async () => (held = await this.held()).length === 0, timeoutMs).catch(
      (error: unknown) => {
        throw new Error(`still held: ${held.join(', ')}`, { cause: error });
      },
    );
  }

  /** The next heartbeat for which it holds. */
  beat(holds: (beat: Heartbeat) => boolean): Promise<Heartbeat> {
    return new Promise((resolve) => {
      const subscription = this.connection.subscribe(subjects.heartbeat, {
        callback: (_error, message) => {
          const beat = parseHeartbeat(message.json<{ data: unknown }>().data);
          if (!holds(beat)) return;
          subscription.unsubscribe();
          resolve(beat);
        },
      });
    });
  }

  async stop(): Promise<void> {
    this.die();
    await this.cluster.stop(5000);
    await this.broker.stop();
  }
}
