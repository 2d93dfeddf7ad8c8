import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Role } from '@sliceway/protocol';
import type { ServiceConfig } from '../config/service.schema.js';
import type { Logger } from '../logging/logger.js';
import { connectionOptions } from './connection-options.js';
import type { ConnectionHealth } from './connection-health.js';
import { serversForPeople } from './servers.js';

/** After a reconnect no new work comes until what was lost has shown: by then all are back, and senders have announced themselves. */
const SETTLE_MS = 1500;
/** Who starts before its broker should say what it waits for. */
const PATIENCE_MS = 2000;

/**
 * The raw connection of the hot path: tokens, text, KV. Waits for nats-server as long as it takes.
 * @throws what nats-server answers, such as a refused password
 */
export async function connectHotPath(
  role: Role,
  config: ServiceConfig,
  health: ConnectionHealth,
  logger: Logger,
): Promise<NatsConnection> {
  const servers = serversForPeople(config.NATS_URL);
  const waiting = setInterval(() => logger.warn({ servers }, 'waiting for nats-server'), PATIENCE_MS);
  const connection = await connect(connectionOptions(role, config, 'frames')).finally(() => clearInterval(waiting));
  health.set('frames', true);
  void followStatus(connection, health, logger);
  return connection;
}

async function followStatus(connection: NatsConnection, health: ConnectionHealth, logger: Logger): Promise<void> {
  let settling: NodeJS.Timeout | undefined;
  for await (const event of connection.status()) {
    if (event.type === 'disconnect' || event.type === 'close') {
      clearTimeout(settling);
      health.set('frames', false);
    } else if (event.type === 'reconnect') {
      settling = setTimeout(() => health.set('frames', true), SETTLE_MS).unref();
    }
    if (event.type === 'error') logger.error({ event: event.type, error: event.error }, 'NATS');
    else if (event.type !== 'ping') logger.info({ event: event.type }, 'NATS');
  }
}
