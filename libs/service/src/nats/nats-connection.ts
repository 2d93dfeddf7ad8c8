import { setTimeout as sleep } from 'node:timers/promises';
import { AuthorizationError, connect, type NatsConnection } from '@nats-io/transport-node';
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
const RETRY_MS = 250;

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
  let reason: unknown;
  const waiting = setInterval(
    () => logger.warn({ servers, reason: reasonOf(reason) }, 'waiting for nats-server'),
    PATIENCE_MS,
  );
  const tried = (error: unknown): void => void (reason = error);
  const connection = await firstConnection(role, config, tried).finally(() => clearInterval(waiting));
  health.set('frames', true);
  void followStatus(connection, health, logger);
  return connection;
}

/** Tries until it works, as nats.js can, too, which would not tell why it does not: a certificate of another CA, for one. */
async function firstConnection(
  role: Role,
  config: ServiceConfig,
  onFailure: (error: unknown) => void,
): Promise<NatsConnection> {
  const options = { ...connectionOptions(role, config, 'frames'), waitOnFirstConnect: false };
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      if (error instanceof AuthorizationError) throw error;
      onFailure(error);
      await sleep(RETRY_MS);
    }
  }
}

/** The innermost cause says it best. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
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
