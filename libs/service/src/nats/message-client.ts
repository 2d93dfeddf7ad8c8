import { randomUUID } from 'node:crypto';
import { NatsRecordBuilder, type ClientNats } from '@nestjs/microservices';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import type { RequestTrace } from '@sliceway/tracing';
import { firstValueFrom, fromEvent, takeUntil, timeout } from 'rxjs';
import type { LogOnce } from '../logging/log-once.js';
import type { ConnectionHealth } from './connection-health.js';

/** Control messages, through Nest's NATS client. */
export class MessageClient {
  constructor(
    private readonly client: ClientNats,
    private readonly faults: LogOnce,
    health: ConnectionHealth,
  ) {
    client.status.subscribe((status) => health.set('messages', status === 'connected'));
  }

  /** Publishes an event; a failure to do so is counted and logged, since nobody waits for it. */
  emit(subject: string, message: unknown, trace?: RequestTrace): void {
    this.client.emit(subject, this.#record(message, trace)).subscribe({
      error: (error: unknown) => this.faults.warn('unsent_message', error, { subject }),
    });
  }

  /**
   * @param given.signal ends the wait, and with it the subscription of the reply
   * @throws TimeoutError, Error when nobody listens, EmptyError when the signal came first
   */
  request(
    subject: string,
    message: unknown,
    { timeoutMs, trace, signal }: { timeoutMs: number; trace?: RequestTrace; signal?: AbortSignal },
  ): Promise<unknown> {
    const reply = this.client.send<unknown>(subject, this.#record(message, trace)).pipe(timeout(timeoutMs));
    return firstValueFrom(signal ? reply.pipe(takeUntil(fromEvent(signal, 'abort'))) : reply);
  }

  /** Asks everyone who listens to a subject, as Nest's client, which takes one reply, cannot. @returns the replies by then, or when there are `expected` */
  async requestAll(
    subject: string,
    message: unknown,
    { timeoutMs, expected }: { timeoutMs: number; expected: number },
  ): Promise<unknown[]> {
    const packet = JSON.stringify({ pattern: subject, data: message, id: randomUUID() });
    const replies: unknown[] = [];
    const options = { strategy: 'count', maxWait: timeoutMs, maxMessages: expected } as const;
    for await (const reply of await this.client.unwrap<NatsConnection>().requestMany(subject, packet, options)) {
      if (reply.data.length > 0) replies.push(reply.json<{ response?: unknown }>().response);
    }
    return replies;
  }

  connect(): Promise<unknown> {
    return this.client.connect();
  }

  /** Resolves when nats-server has all that was sent. */
  async flush(): Promise<void> {
    // An event leaves a few microtasks after `emit`.
    await new Promise((resolve) => setImmediate(resolve));
    await this.client.unwrap<NatsConnection>().flush();
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
