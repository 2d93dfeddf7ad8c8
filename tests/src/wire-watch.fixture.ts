import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { ANY_INSTANCE, decodeTokenFrame, subjects } from '@sliceway/protocol';

/** Listens to the broker: which workers took which request, and the tokens that they sampled. */
export class WireWatch {
  /** By request: the instances that serve it. */
  readonly tokenizers = new Map<string, string>();
  readonly prefills = new Map<string, string>();
  readonly decodes = new Map<string, string>();
  /** By request and choice: tokens by their index. */
  readonly #tokens = new Map<string, number[][]>();

  private constructor(private readonly connection: NatsConnection) {}

  static async start(natsUrl: string): Promise<WireWatch> {
    const watch = new WireWatch(await connect({ servers: natsUrl }));
    watch.#note(subjects.encode(ANY_INSTANCE), watch.tokenizers);
    watch.#note(subjects.leg('prefill', ANY_INSTANCE), watch.prefills);
    watch.#note(subjects.leg('decode', ANY_INSTANCE), watch.decodes);
    watch.connection.subscribe(subjects.tokens(ANY_INSTANCE), { callback: (_, { data }) => watch.#take(data) });
    await watch.connection.flush();
    return watch;
  }

  /** Tokens of each choice, the first one (prefill's) and all later ones (decode's). */
  tokensOf(rid: string): number[][] {
    return this.#tokens.get(rid) ?? [];
  }

  /** All that was published before is in the maps. */
  async settled(): Promise<void> {
    await this.connection.flush();
  }

  async stop(): Promise<void> {
    await this.connection.close();
  }

  #note(subject: string, instances: Map<string, string>): void {
    const callback = (_: Error | null, message: Msg): void => {
      const { rid } = message.json<{ data: { rid: string } }>().data;
      instances.set(rid, message.subject.split('.')[2]!);
    };
    this.connection.subscribe(subject, { callback });
  }

  #take(data: Uint8Array): void {
    for (const { rid, choice, index, tokens } of decodeTokenFrame(data).entries) {
      const choices = this.#tokens.get(rid) ?? [];
      this.#tokens.set(rid, choices);
      const line = (choices[choice] ??= []);
      tokens.forEach((token, i) => (line[index + i] = token));
    }
  }
}
