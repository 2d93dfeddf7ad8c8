import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { SequenceTracker, type FrameHeader, type WorkerId } from '@sliceway/protocol';
import type { DroppedKind, LogOnce } from '../logging/log-once.js';

export interface FrameHandlers<Frame> {
  onFrame(frame: Frame): void;
  /**
   * `lost` frames of this sender's stream never came: called before the frame that shows it. Or `onFrame` threw, so that
   * one counts as lost.
   */
  onLost(sender: WorkerId, lost: number): void;
}

/** Receives a subject's frames; drops what cannot be read or came before, and tells of gaps. */
export class FrameSubscription<Frame extends FrameHeader> {
  readonly #subscription: Subscription;
  readonly #tracker = new SequenceTracker();

  constructor(
    connection: NatsConnection,
    private readonly subject: string,
    private readonly decode: (bytes: Uint8Array) => Frame,
    private readonly handlers: FrameHandlers<Frame>,
    private readonly faults: LogOnce,
  ) {
    this.#subscription = connection.subscribe(subject, {
      callback: (error, message) => this.#receive(error, message?.data),
    });
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
    if (arrival !== 'ok') this.#guard(() => this.handlers.onLost(frame.sender, arrival.lost));
    const isTaken = this.#guard(() => this.handlers.onFrame(frame));
    if (!isTaken) this.#guard(() => this.handlers.onLost(frame.sender, 1));
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
