import type { NatsConnection } from '@nats-io/transport-node';

/** What becomes of one message: these are delivered in its place. */
export type Fault = (message: Uint8Array, index: number) => readonly Uint8Array[];

/** A man in the middle: takes what is sent to one subject and passes on to another what `fault` leaves of it. */
export class FaultyLink {
  messages = 0;
  /** Time that a message spends here. */
  delayMs = 0;
  #held: Uint8Array[] = [];

  constructor(
    private readonly connection: NatsConnection,
    from: string,
    private readonly to: string,
    public fault: Fault = (message) => [message],
  ) {
    connection.subscribe(from, {
      callback: (error, { data }) => {
        if (error) throw error;
        for (const message of this.fault(data, this.messages++)) this.#pass(message);
      },
    });
  }

  #pass(message: Uint8Array): void {
    const publish = (): void => {
      if (!this.connection.isClosed()) this.connection.publish(this.to, message);
    };
    if (this.delayMs > 0) setTimeout(publish, this.delayMs);
    else publish();
  }

  /** Every second message comes after the one that follows it. */
  readonly reorder: Fault = (message) => {
    this.#held.push(message);
    return this.#held.length < 2 ? [] : this.#held.splice(0).reverse();
  };
}

export const drop =
  (...indices: number[]): Fault =>
  (message, index) =>
    indices.includes(index) ? [] : [message];

export const duplicate: Fault = (message) => [message, message];

/** Inverts one bit. */
export function damaged(message: Uint8Array, byte: number, bit = 0): Uint8Array {
  const copy = message.slice();
  copy[byte]! ^= 1 << bit;
  return copy;
}
