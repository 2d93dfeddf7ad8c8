import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { SequenceTracker, type FrameHeader, type WorkerId } from '@sliceway/protocol';
import type { LogOnce } from '../logging/log-once.js';

export interface FrameHandlers<Frame> {
  onFrame(frame: Frame): void;
  /** `lost` frames of this sender's stream never came. Called before the frame that shows it. */
  onLost(sender: WorkerId, lost: number): void;
}

/** Receives a subject's frames; drops what cannot be read or came before, and tells of gaps. */
export class FrameSubscription<Frame extends FrameHeader> {
  readonly #subscription: Subscription;
  readonly #tracker = new SequenceTracker();

  constructor(
    connection: NatsConnection,
    subject: string,
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
    if (error) return this.faults.warn('subscription', error);
    let frame: Frame;
    try {
      frame = this.decode(bytes);
    } catch (fault) {
      return this.faults.warn('frame', fault);
    }
    const arrival = this.#tracker.accept(frame.sender, frame.seq);
    if (arrival === 'duplicate') return;
    if (arrival !== 'ok') this.handlers.onLost(frame.sender, arrival.lost);
    this.handlers.onFrame(frame);
  }
}
