import type { Msg, NatsConnection } from '@nats-io/transport-node';
import {
  parseAbort,
  subjects,
  type Abort,
  type Heartbeat,
  type Load,
  type Serves,
  type WorkerRole,
  type WorkerState,
} from '@sliceway/protocol';
import { eventPacket, type NestPacket } from './nest-wire.js';

export const MODEL = 'org/tiny-model';
export const CONTEXT_LENGTH = 256;
/** Who is silent for three of them is lost: on a busy machine the tests' process, too, may wait for a third of a second. */
export const HEARTBEAT_INTERVAL_MS = 300;

const SERVES: Serves = {
  model: MODEL,
  fingerprint: 'f00dfeed00112233',
  contextLength: CONTEXT_LENGTH,
  backend: 'fake',
  transports: ['nats'],
  kvFormat: {
    engine: 'fake',
    dtype: 'f32',
    pageTokens: 16,
    layers: [0, 2],
    kvHeads: [0, 1],
    headDim: 8,
    layout: 'fake',
    fingerprint: 'f00dfeed00112233',
  },
  eosTokenIds: [0],
};

const LOAD: Load = { running: 0, waiting: 0, queuedTokens: 0, kvPagesUsed: 0, kvPagesTotal: 8, maxRunning: 8 };

/** A worker as the gateway sees one: heartbeats, messages in, messages out. */
export class FakePeer {
  readonly #aborts: Abort[] = [];
  readonly #heartbeats: NodeJS.Timeout;
  readonly #startedAtMs = Date.now();
  #sequence = 0;

  constructor(
    readonly connection: NatsConnection,
    readonly role: WorkerRole,
    readonly instance: string,
  ) {
    this.on(subjects.abort(role, instance), (data) => {
      const abort = parseAbort(data);
      this.#aborts.push(abort);
      this.aborted(abort);
    });
    this.#heartbeats = setInterval(() => this.beat('ready'), HEARTBEAT_INTERVAL_MS);
    this.beat('ready');
    void connection.closed().then(() => this.vanish());
  }

  abortsOf(rid: string): Abort[] {
    return this.#aborts.filter((abort) => abort.rid === rid);
  }

  /** Goes without a word, as a killed process does. */
  vanish(): void {
    clearInterval(this.#heartbeats);
  }

  beat(state: WorkerState): void {
    const beat: Heartbeat = {
      role: this.role,
      instance: this.instance,
      sequence: this.#sequence++,
      state,
      intervalMs: HEARTBEAT_INTERVAL_MS,
      host: 'fake',
      pid: 1,
      startedAtMs: this.#startedAtMs,
      load: LOAD,
      serves: SERVES,
    };
    this.connection.publish(subjects.heartbeat, eventPacket(subjects.heartbeat, beat));
  }

  protected aborted(_abort: Abort): void {}

  protected on(subject: string, handle: (data: unknown, message: Msg, packet: NestPacket) => void): void {
    this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) throw error;
        const packet = message.json<NestPacket>();
        handle(packet.data, message, packet);
      },
    });
  }
}
