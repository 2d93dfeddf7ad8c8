import { NatsRequestJSONDeserializer } from '@nestjs/microservices';
import type { Msg } from '@nats-io/transport-node';
import type { LogOnce } from '../logging/log-once.js';

type Options = Parameters<NatsRequestJSONDeserializer['deserialize']>[1];

/**
 * Nest's, but what is no JSON object reaches the handler as a message without data, which no parser takes: it is counted
 * and dropped like any other that cannot be read, where Nest would log each with its stack.
 */
export class TolerantDeserializer extends NatsRequestJSONDeserializer {
  constructor(private readonly faults: LogOnce) {
    super();
  }

  override deserialize(message: Msg, options?: Options): ReturnType<NatsRequestJSONDeserializer['deserialize']> {
    try {
      return super.deserialize(message, options);
    } catch (error) {
      this.faults.warn('json', error, { subject: message.subject });
      return { pattern: options?.['channel'] as string, data: undefined };
    }
  }
}
