import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Role } from '@sliceway/protocol';
import type { ServiceConfig } from '../config/service.schema.js';
import type { Logger } from '../logging/logger.js';
import type { ServiceStatus } from '../service-status.js';
import { connectionOptions } from './connection-options.js';

/** The raw connection of the hot path: tokens, text, KV. Its state counts for readiness. */
export async function connectHotPath(
  role: Role,
  config: ServiceConfig,
  status: ServiceStatus,
  logger: Logger,
): Promise<NatsConnection> {
  const connection = await connect(connectionOptions(role, config, 'frames'));
  let connected = true;
  status.addReadinessCheck(() => (connected ? undefined : `no connection to NATS at ${config.NATS_URL}`));
  void (async () => {
    for await (const event of connection.status()) {
      if (event.type === 'disconnect') connected = false;
      else if (event.type === 'reconnect') connected = true;
      if (event.type === 'error') logger.error({ event: event.type, error: event.error }, 'NATS');
      else if (event.type !== 'ping') logger.info({ event: event.type }, 'NATS');
    }
  })();
  return connection;
}
