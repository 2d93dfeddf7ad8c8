import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Role } from '@sliceway/local';
import {
  ANY_INSTANCE,
  decodeKvFrame,
  decodeTextFrame,
  decodeTokenFrame,
  FinishReason,
  subjects,
  type WorkerRole,
} from '@sliceway/protocol';

/** How far a request is, by what the broker has seen of it. */
export const STAGES = ['tokenizing', 'bootstrap', 'transfer', 'decode'] as const;
export type Stage = (typeof STAGES)[number];

/** A worker that a request was given to. */
export interface Party {
  readonly role: WorkerRole;
  readonly instance: string;
  readonly attempt: number;
}

interface Control {
  readonly rid: string;
  readonly attempt: number;
  readonly prompt?: { readonly messages?: readonly { readonly content: string }[] };
  readonly output?: { readonly gateway: string };
}

interface Waiting {
  readonly stage: Stage;
  readonly content: string;
  readonly reached: (rid: string) => void;
}

/** Of a transfer, once it is well under way. */
const TRANSFER_FRAME = 2;
/** Of a completion: the client has been sent the tokens before it. */
const DECODE_TOKEN = 4;

/** Listens to the broker: which workers took which request, how far it is, and the tokens that they sampled. */
export class WireWatch {
  /** By request: the instances that serve it, those of its last attempt. */
  readonly tokenizers = new Map<string, string>();
  readonly prefills = new Map<string, string>();
  readonly decodes = new Map<string, string>();
  /** By request: the gateway that it came to. */
  readonly gateways = new Map<string, string>();
  /** By request: all that were ever asked to take part. */
  readonly parties = new Map<string, Party[]>();
  /** By request: the content of its first message. */
  readonly contents = new Map<string, string>();
  /** Requests whose first attempt got text to the gateway. */
  readonly #begun = new Set<string>();
  /** Requests whose first choice has all tokens of the first attempt. */
  readonly #decoded = new Set<string>();
  /** Requests whose first choice came to its end. */
  readonly #finished = new Set<string>();
  /** By request and choice: tokens by their index. */
  readonly #tokens = new Map<string, number[][]>();
  #waiting: Waiting[] = [];

  private constructor(private readonly connection: NatsConnection) {}

  static async start(natsUrl: string): Promise<WireWatch> {
    const options = { servers: natsUrl, reconnectTimeWait: 50, reconnectJitter: 0, maxReconnectAttempts: -1 };
    const watch = new WireWatch(await connect(options));
    watch.#note('tokenizer', subjects.encode(ANY_INSTANCE), watch.tokenizers);
    watch.#note('prefill', subjects.leg('prefill', ANY_INSTANCE), watch.prefills);
    watch.#note('decode', subjects.leg('decode', ANY_INSTANCE), watch.decodes);
    watch.#listen(subjects.tokens(ANY_INSTANCE), ({ data }) => watch.#take(data));
    watch.#listen(subjects.bootstrap(ANY_INSTANCE), (message) => watch.#reach('bootstrap', control(message).rid));
    watch.#listen(subjects.kv(ANY_INSTANCE), ({ data }) => {
      const { rid, seq, last } = decodeKvFrame(data);
      if (seq === TRANSFER_FRAME && !last) watch.#reach('transfer', rid);
    });
    watch.#listen(subjects.text(ANY_INSTANCE), ({ data }) => {
      for (const { rid, choice, attempt, index, finish } of decodeTextFrame(data).entries) {
        if (attempt === 0) watch.#begun.add(rid);
        if (choice === 0 && finish !== FinishReason.none) watch.#finished.add(rid);
        else if (index === DECODE_TOKEN) watch.#reach('decode', rid);
      }
    });
    await watch.connection.flush();
    return watch;
  }

  /** Tokens of each choice, the first one (prefill's) and all later ones (decode's). */
  tokensOf(rid: string): number[][] {
    return this.#tokens.get(rid) ?? [];
  }

  attemptsOf(rid: string): number {
    return 1 + Math.max(-1, ...(this.parties.get(rid) ?? []).map(({ attempt }) => attempt));
  }

  /** Whether its client may have been sent a part of the first attempt. */
  hasBegun(rid: string): boolean {
    return this.#begun.has(rid);
  }

  /** The client may have been sent less. */
  hasDecoded(rid: string): boolean {
    return this.#decoded.has(rid);
  }

  hasFinished(rid: string): boolean {
    return this.#finished.has(rid);
  }

  /**
   * Whether a request whose `role` was struck at `stage` was really there: on a busy machine it may have been faster. Prefill goes on
   * to its first token where decode is lost in the transfer; the text may be behind a decode that is done; all goes on without
   * a gateway that has handed it on.
   */
  isHit(stage: Stage, role: Role, rid: string): boolean {
    if (stage === 'tokenizing' && role === 'gateway') return !this.prefills.has(rid);
    if (stage === 'decode' && role === 'decode') return !this.hasDecoded(rid);
    if (stage === 'decode' || role === 'gateway') return !this.hasFinished(rid);
    if (stage === 'transfer' && role === 'decode') return (this.tokensOf(rid)[0]?.length ?? 0) <= 1;
    return !this.#begun.has(rid);
  }

  /** The next request with this content that gets to `stage`. @returns its id */
  next(stage: Stage, content: string): Promise<string> {
    return new Promise((reached) => this.#waiting.push({ stage, content, reached }));
  }

  /** All that was published before is in the maps. */
  async settled(): Promise<void> {
    await this.connection.flush();
  }

  /** The broker has none of its subscriptions any more. */
  async stop(): Promise<void> {
    if (!this.connection.isClosed()) await this.connection.drain();
  }

  /** What is malformed is not for this one to judge. */
  #listen(subject: string, take: (message: Msg) => void): void {
    const callback = (_: Error | null, message: Msg): void => {
      try {
        take(message);
      } catch {
        return;
      }
    };
    this.connection.subscribe(subject, { callback });
  }

  #note(role: WorkerRole, subject: string, instances: Map<string, string>): void {
    this.#listen(subject, (message) => {
      const { rid, attempt, prompt, output } = control(message);
      const instance = message.subject.split('.')[2]!;
      instances.set(rid, instance);
      this.parties.set(rid, [...(this.parties.get(rid) ?? []), { role, instance, attempt }]);
      if (output) this.gateways.set(rid, output.gateway);
      const content = prompt?.messages?.[0]?.content;
      if (content !== undefined) this.contents.set(rid, content);
      if (role === 'tokenizer') this.#reach('tokenizing', rid);
    });
  }

  #reach(stage: Stage, rid: string): void {
    const content = this.contents.get(rid);
    const isReached = (each: Waiting): boolean => each.stage === stage && each.content === content;
    for (const { reached } of this.#waiting.filter(isReached)) reached(rid);
    this.#waiting = this.#waiting.filter((each) => !isReached(each));
  }

  #take(data: Uint8Array): void {
    for (const { rid, choice, attempt, index, tokens, finish } of decodeTokenFrame(data).entries) {
      if (attempt === 0 && choice === 0 && finish !== FinishReason.none) this.#decoded.add(rid);
      const choices = this.#tokens.get(rid) ?? [];
      this.#tokens.set(rid, choices);
      const line = (choices[choice] ??= []);
      tokens.forEach((token, i) => (line[index + i] = token));
    }
  }
}

function control(message: Msg): Control {
  return message.json<{ data: Control }>().data;
}
