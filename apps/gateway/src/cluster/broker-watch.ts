import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { HOT_PATH } from '@sliceway/service';

export interface BrokerListener {
  onBrokerLost(): void;
  onBrokerBack?(): void;
}

/** Tells when nats-server is lost and when it is back, in the order in which they began to listen. */
@Injectable()
export class BrokerWatch implements OnModuleInit {
  readonly #listeners: BrokerListener[] = [];

  constructor(@Inject(HOT_PATH) private readonly connection: NatsConnection) {}

  listen(listener: BrokerListener): void {
    this.#listeners.push(listener);
  }

  onModuleInit(): void {
    void this.#follow();
  }

  /** Ends with the connection. */
  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect') for (const listener of this.#listeners) listener.onBrokerLost();
      else if (type === 'reconnect') for (const listener of this.#listeners) listener.onBrokerBack?.();
    }
  }
}
