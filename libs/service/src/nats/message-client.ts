import { NatsRecordBuilder, type ClientNats } from '@nestjs/microservices';
import { headers } from '@nats-io/transport-node';
import type { RequestTrace } from '@sliceway/tracing';
import { firstValueFrom, timeout } from 'rxjs';
import type { Logger } from '../logging/logger.js';

/** Control messages, through Nest's NATS client. */
export class MessageClient {
  constructor(
    private readonly client: ClientNats,
    private readonly logger: Logger,
  ) {}

  /** Publishes an event; a failure to do so is logged, since nobody waits for it. */
  emit(subject: string, message: unknown, trace?: RequestTrace): void {
    this.client.emit(subject, this.#record(message, trace)).subscribe({
      error: (error: unknown) => this.logger.error({ subject, error }, 'a message could not be sent'),
    });
  }

  /** @throws TimeoutError, or Error when nobody listens */
  request(subject: string, message: unknown, timeoutMs: number, trace?: RequestTrace): Promise<unknown> {
    return firstValueFrom(this.client.send<unknown>(subject, this.#record(message, trace)).pipe(timeout(timeoutMs)));
  }

  connect(): Promise<unknown> {
    return this.client.connect();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  #record(message: unknown, trace: RequestTrace | undefined): unknown {
    if (!trace) return message;
    const context = headers();
    trace.inject(context);
    return new NatsRecordBuilder(message).setHeaders(context).build();
  }
}
