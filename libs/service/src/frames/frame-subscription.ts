import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { SequenceTracker, type Arrival, type FrameHeader, type WorkerId } from '@sliceway/protocol';
import type { DroppedKind, LogOnce } from '../logging/log-once.js';

export interface FrameHandlers<Frame> {
  onFrame(frame: Frame): void;
  /**
   * `lost` frames of this sender's stream never came: called before the frame that shows it. Or `onFrame` threw, so that
   * one counts as lost. They were sent before `untilMs` (of `performance.now()`; Infinity if that is not known): what began
   * later misses nothing.
   */
  onLost(sender: WorkerId, lost: number, untilMs: number): void;
}

type Gap = Exclude<Arrival, string>;

/** Receives a subject's frames; drops what cannot be read or came before, and tells of gaps. */
export class FrameSubscription<Frame extends FrameHeader> {
  readonly #subscription: Subscription;
  readonly #tracker = new SequenceTracker();
  #backMs = -Infinity;

  constructor(
    private readonly connection: NatsConnection,
    private readonly subject: string,
    private readonly decode: (bytes: Uint8Array) => Frame,
    private readonly handlers: FrameHandlers<Frame>,
    private readonly faults: LogOnce,
  ) {
    this.#subscription = connection.subscribe(subject, {
      callback: (error, message) => this.#receive(error, message?.data),
    });
    void this.#follow();
  }

  forget(sender: WorkerId): void {
    this.#tracker.forget(sender);
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #receive(error: Error | null, bytes: Uint8Array): void {
    if (error) return this.#drop('subscription', error);
    let frame: Frame;
    try {
      frame = this.decode(bytes);
    } catch (fault) {
      return this.#drop('frame', fault);
    }
    const arrival = this.#tracker.accept(frame.sender, frame.seq);
    if (arrival === 'duplicate') return this.#drop('duplicate', `frame ${frame.seq} of ${frame.sender} came again`);
    if (arrival !== 'ok') this.#guard(() => this.#lose(frame.sender, arrival));
    const isTaken = this.#guard(() => this.handlers.onFrame(frame));
    if (!isTaken) this.#guard(() => this.handlers.onLost(frame.sender, 1, Infinity));
  }

  /** A sender that was back earlier lost its frames, and the word of it, on a receiver that did not listen yet. */
  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== 'reconnect') continue;
      this.#backMs = performance.now();
      this.#tracker.resume();
    }
  }

  #lose(sender: WorkerId, { lost, wasAway }: Gap): void {
    this.handlers.onLost(sender, lost, wasAway ? this.#backMs : Infinity);
  }

  #drop(kind: DroppedKind, error: unknown): void {
    this.faults.warn(kind, error, { subject: this.subject });
  }

  /** What is thrown into nats.js would end its reader, and with it everything on this connection. */
  #guard(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (fault) {
      this.#drop('event', fault);
      return false;
    }
  }
}
