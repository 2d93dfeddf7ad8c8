import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ANY_INSTANCE, decodeTokenFrame, subjects } from '@sliceway/protocol';

/** Counts what goes over the wire. It publishes nothing, so what clients publish stays what it was. */
export class WireCount {
  tokens = 0;
  tokenFrames = 0;
  heartbeats = 0;
  #textFrames = 0;
  #onDecodeStep: (sequences: number) => void = () => {};

  private constructor(private readonly connection: NatsConnection) {}

  static async start(natsUrl: string): Promise<WireCount> {
    const count = new WireCount(await connect({ servers: natsUrl }));
    count.connection.subscribe(subjects.tokens(ANY_INSTANCE), { callback: (_, { data }) => count.#take(data) });
    count.connection.subscribe(subjects.text(ANY_INSTANCE), { callback: () => void count.#textFrames++ });
    count.connection.subscribe(subjects.heartbeat, { callback: () => void count.heartbeats++ });
    await count.connection.flush();
    return count;
  }

  get messages(): number {
    return this.tokenFrames + this.#textFrames + this.heartbeats;
  }

  /** Resolves at the next decode step of so many sequences for which `when` holds, too. */
  async stepOf(wanted: number, when: () => boolean = () => true): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onDecodeStep = (sequences) => {
        if (sequences === wanted && when()) resolve();
      };
    });
    this.#onDecodeStep = () => {};
  }

  /** All that was published before is counted. */
  async settled(): Promise<void> {
    await this.connection.flush();
  }

  async stop(): Promise<void> {
    await this.connection.close();
  }

  #take(data: Uint8Array): void {
    const { entries } = decodeTokenFrame(data);
    this.tokenFrames++;
    for (const { tokens } of entries) this.tokens += tokens.length;
    // First tokens are prefill's.
    if (entries.every(({ index }) => index > 0)) this.#onDecodeStep(entries.length);
  }
}
