import type { NatsConnection } from '@nats-io/transport-node';
import {
  decodeTextFrame,
  encodeTokenFrame,
  FinishReason,
  FrameCounter,
  parseFailed,
  subjects,
  WorkerState,
  type Failed,
  type Heartbeat,
  type Role,
  type TextEntry,
  type TextFrame,
  type TokenEntry,
} from '@sliceway/protocol';

/** A gateway as a tokenizer sees it: it keeps what it gets. */
export class TestGateway {
  readonly frames: TextFrame[] = [];
  readonly failures: Failed[] = [];

  constructor(
    connection: NatsConnection,
    readonly instance: string,
  ) {
    connection.subscribe(subjects.text(instance), {
      callback: (_, message) => void this.frames.push(decodeTextFrame(message.data)),
    });
    connection.subscribe(subjects.failed(instance), {
      callback: (_, message) => void this.failures.push(parseFailed(message.json<{ data: unknown }>().data)),
    });
  }

  entriesOf(rid: string, choice = 0): TextEntry[] {
    return this.frames
      .flatMap(({ entries }) => entries)
      .filter((entry) => entry.rid === rid && entry.choice === choice);
  }

  textOf(rid: string, choice = 0): string {
    return this.entriesOf(rid, choice)
      .map(({ text }) => text)
      .join('');
  }
}

/** A prefill or decode as a tokenizer sees it. */
export class TestWorker {
  readonly #counter = new FrameCounter();

  constructor(
    private readonly connection: NatsConnection,
    readonly instance: string,
    private readonly tokenizer: string,
  ) {}

  /** One frame. */
  send(...entries: TokenEntry[]): void {
    const frame = { sender: this.instance, seq: this.#counter.next(this.tokenizer), entries };
    this.connection.publish(subjects.tokens(this.tokenizer), encodeTokenFrame(frame));
  }

  /** A frame that never comes. */
  loseFrame(): void {
    this.#counter.next(this.tokenizer);
  }
}

export function entry(
  rid: string,
  index: number,
  tokens: readonly number[],
  over: Partial<TokenEntry> = {},
): TokenEntry {
  return { rid, choice: 0, attempt: 0, finish: FinishReason.none, index, tokens, logprobs: null, ...over };
}

export function heartbeat(role: Role, instance: string, sequence: number, over: Partial<Heartbeat> = {}): Heartbeat {
  return {
    role,
    instance,
    sequence,
    state: WorkerState.ready,
    intervalMs: 50,
    host: 'test',
    pid: 1,
    startedAtMs: 1,
    load: { running: 0, waiting: 0, queuedTokens: 0, kvPagesUsed: 0, kvPagesTotal: 0, maxRunning: 0 },
    serves: null,
    ...over,
  };
}
