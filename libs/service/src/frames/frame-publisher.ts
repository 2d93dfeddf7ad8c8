import type { NatsConnection } from '@nats-io/transport-node';
import { FrameCounter, type FrameWriter, type WorkerId } from '@sliceway/protocol';
import { identity } from '../identity.config.js';

/** How entries of one kind become frames. */
export interface FrameCodec<Entry> {
  subject(receiver: WorkerId): string;
  writer(): FrameWriter;
  write(writer: FrameWriter, entry: Entry): void;
}

/** nats-server's default, while no server is connected to ask. */
const DEFAULT_MAX_PAYLOAD_BYTES = 1024 * 1024;

/** After nats-server came back; by then receivers that were later listen again. */
const ANNOUNCE_MS = 1000;

/** Gathers the entries of a step and sends one frame to each receiver, with sequence numbers of its stream. */
export class FramePublisher<Entry> {
  readonly #pending = new Map<WorkerId, FrameWriter>();
  readonly #spare: FrameWriter[] = [];
  readonly #counter = new FrameCounter();
  framesSent = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly codec: FrameCodec<Entry>,
  ) {
    void this.#follow();
  }

  /** Throws ProtocolError when a field does not fit; the other entries stay. */
  add(receiver: WorkerId, entry: Entry): void {
    let writer = this.#pending.get(receiver);
    if (!writer) {
      writer = this.#spare.pop() ?? this.codec.writer();
      this.#pending.set(receiver, writer);
    }
    this.codec.write(writer, entry);
    // One more entry of any usual size has to fit, or nothing of the frame would be sent.
    const maxBytes = this.connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES;
    if (writer.byteLength > maxBytes / 2) this.#send(receiver, writer);
  }

  /** Sends what was added since the last flush. */
  flush(): void {
    for (const [receiver, writer] of this.#pending) this.#send(receiver, writer);
  }

  /**
   * Sends an empty frame to each receiver: what was lost before it shows at once, and not with the next request.
   * For a connection that was away.
   */
  announce(): void {
    if (this.connection.isClosed()) return;
    const empty = this.codec.writer();
    for (const receiver of this.#counter.receivers) {
      this.connection.publish(
        this.codec.subject(receiver),
        empty.finish(identity.instance, this.#counter.next(receiver)),
      );
    }
  }

  /** The receiver is gone. */
  forget(receiver: WorkerId): void {
    this.#counter.forget(receiver);
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== 'reconnect') continue;
      this.announce();
      setTimeout(() => this.announce(), ANNOUNCE_MS).unref();
    }
  }

  #send(receiver: WorkerId, writer: FrameWriter): void {
    this.#pending.delete(receiver);
    this.#spare.push(writer);
    if (writer.count === 0) return;
    const frame = writer.finish(identity.instance, this.#counter.next(receiver));
    if (this.connection.isClosed()) return;
    this.connection.publish(this.codec.subject(receiver), frame);
    this.framesSent++;
  }
}
