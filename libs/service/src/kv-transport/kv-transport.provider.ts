import type { Provider } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { subjects, type KvFormat } from '@sliceway/protocol';
import { requestTrace } from '@sliceway/tracing';
import type { EngineConfig } from '../config/engine.schema.js';
import { identity } from '../identity.config.js';
import { LogOnce } from '../logging/log-once.js';
import { MessageClient } from '../nats/message-client.js';
import { ENGINE, HOT_PATH } from '../tokens.js';
import { NatsKvTransport } from './nats-kv-transport.js';

interface EngineWithKv {
  readonly info: { readonly kvFormat: KvFormat; readonly pageBlockBytes: number };
}

/** The KV transport of a service whose engine is provided under `ENGINE`. */
export function kvTransportProvider(role: 'prefill' | 'decode', config: EngineConfig): Provider {
  return {
    provide: NatsKvTransport,
    inject: [HOT_PATH, ENGINE, MessageClient, LogOnce],
    useFactory: (connection: NatsConnection, { info }: EngineWithKv, messages: MessageClient, faults: LogOnce) =>
      new NatsKvTransport({
        connection,
        role,
        instance: identity.instance,
        kvFormat: info.kvFormat,
        pageBlockBytes: info.pageBlockBytes,
        window: config.SLICEWAY_KV_WINDOW,
        timeoutMs: config.SLICEWAY_KV_TIMEOUT_MS,
        bootstrapTimeoutMs: config.SLICEWAY_KV_TIMEOUT_MS,
        publishBootstrap: (prefill, bootstrap) =>
          messages.notify(subjects.bootstrap(prefill), bootstrap, requestTrace(bootstrap.rid)),
        onBadFrame: (error) => faults.warn('frame', error, { subject: role === 'prefill' ? 'credit' : 'kv' }),
      }),
  };
}
