import type { NatsConnection } from '@nats-io/transport-node';
import { FrameCounter, type FrameWriter, type WorkerId } from '@sliceway/protocol';
import { identity } from '../identity.config.js';

/** How entries of one kind become frames. */
export interface FrameCodec<Entry> {
  subject(receiver: WorkerId): string;
  writer(): FrameWriter;
  write(writer: FrameWriter, entry: Entry): void;
}

/** Gathers the entries of a step and sends one frame to each receiver, with sequence numbers of its stream. */
export class FramePublisher<Entry> {
  readonly #pending = new Map<WorkerId, FrameWriter>();
  readonly #spare: FrameWriter[] = [];
  readonly #counter = new FrameCounter();
  framesSent = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly codec: FrameCodec<Entry>,
  ) {}

  add(receiver: WorkerId, entry: Entry): void {
    let writer = this.#pending.get(receiver);
    if (!writer) {
      writer = this.#spare.pop() ?? this.codec.writer();
      this.#pending.set(receiver, writer);
    }
    this.codec.write(writer, entry);
  }

  /** Sends what was added since the last flush. */
  flush(): void {
    for (const [receiver, writer] of this.#pending) {
      const frame = writer.finish(identity.instance, this.#counter.next(receiver));
      this.#spare.push(writer);
      this.#pending.delete(receiver);
      if (this.connection.isClosed()) continue;
      this.connection.publish(this.codec.subject(receiver), frame);
      this.framesSent++;
    }
  }

  /** The receiver is gone. */
  forget(receiver: WorkerId): void {
    this.#counter.forget(receiver);
  }
}
