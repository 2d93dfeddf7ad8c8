import { NatsRequestJSONDeserializer } from '@nestjs/microservices';
import type { Msg } from '@nats-io/transport-node';

type Options = Parameters<NatsRequestJSONDeserializer['deserialize']>[1];

/**
 * Nest's, but what is no JSON object reaches the handler as a message without data, which no parser takes: it is counted
 * and dropped like any other that cannot be read, where Nest would log each with its stack.
 */
export class TolerantDeserializer extends NatsRequestJSONDeserializer {
  override deserialize(message: Msg, options?: Options): ReturnType<NatsRequestJSONDeserializer['deserialize']> {
    try {
      return super.deserialize(message, options);
    } catch {
      return { pattern: options?.['channel'] as string, data: undefined };
    }
  }
}
