import { randomUUID } from 'node:crypto';
import { NatsRecordBuilder, type ClientNats } from '@nestjs/microservices';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { injectMessage, type MessageSpan, type RequestTrace } from '@sliceway/tracing';
import { firstValueFrom, fromEvent, takeUntil, timeout } from 'rxjs';
import type { LogOnce } from '../logging/log-once.js';
import type { ConnectionHealth } from './connection-health.js';
import { endWith, reasonOf, startSendSpan } from './message-spans.js';

/** Control messages, through Nest's NATS client. */
export class MessageClient {
  constructor(
    private readonly client: ClientNats,
    private readonly faults: LogOnce,
    health: ConnectionHealth,
  ) {
    client.status.subscribe((status) => health.set('messages', status === 'connected'));
  }

  /**
   * Publishes an event; a failure to do so is counted and logged, since nobody waits for it.
   *
   * @param trace of the request that the event hands over
   */
  emit(subject: string, message: unknown, trace?: RequestTrace): void {
    const span = trace ? startSendSpan(trace, subject) : null;
    this.#emit(subject, trace ? withContext(message, trace, span) : message, span);
  }

  /** As `emit`, about a request that the receiver has already: it needs no context. */
  notify(subject: string, message: unknown, trace: RequestTrace): void {
    const span = startSendSpan(trace, subject);
    this.#emit(subject, span ? withContext(message, null, span) : message, span);
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
    const span = trace ? startSendSpan(trace, subject) : null;
    const record = trace ? withContext(message, trace, span) : message;
    const reply = this.client.send<unknown>(subject, record).pipe(timeout(timeoutMs));
    const answered = firstValueFrom(signal ? reply.pipe(takeUntil(fromEvent(signal, 'abort'))) : reply);
    if (span) endWhenSent(span, answered);
    return answered;
  }

  /**
   * Asks everyone who listens to a subject, as Nest's client, which takes one reply, cannot.
   *
   * @param given.onReply true: nobody else is waited for
   */
  async requestAll(
    subject: string,
    message: unknown,
    { timeoutMs, onReply }: { timeoutMs: number; onReply: (reply: unknown) => boolean },
  ): Promise<void> {
    const packet = JSON.stringify({ pattern: subject, data: message, id: randomUUID() });
    const options = { strategy: 'timer', maxWait: timeoutMs } as const;
    for await (const reply of await this.client.unwrap<NatsConnection>().requestMany(subject, packet, options)) {
      if (reply.data.length > 0 && onReply(reply.json<{ response?: unknown }>().response)) return;
    }
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

  #emit(subject: string, record: unknown, span: MessageSpan | null): void {
    this.client.emit(subject, record).subscribe({
      complete: () => span?.end(),
      error: (error: unknown) => {
        span?.end(reasonOf(error));
        this.faults.warn('unsent_message', error, { subject });
      },
    });
  }
}

/** @param trace null where its context is not to be handed over */
function withContext(message: unknown, trace: RequestTrace | null, span: MessageSpan | null): unknown {
  const context = headers();
  trace?.inject(context);
  if (span) injectMessage(context, span);
  return new NatsRecordBuilder(message).setHeaders(context).build();
}

/** A request leaves a few microtasks later. Nest tells only of its answer, by which one that could not be sent shows before. */
function endWhenSent(span: MessageSpan, answered: Promise<unknown>): void {
  endWith(span, answered);
  queueMicrotask(() => process.nextTick(() => span.end()));
}
