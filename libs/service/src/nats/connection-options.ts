import { inboxPrefix, type Role } from '@sliceway/protocol';
import type { ConnectionOptions } from '@nats-io/transport-node';
import type { ServiceConfig } from '../config/service.schema.js';
import { identity } from '../identity.config.js';
import { credentialsOf, tlsOf } from './credentials.js';
import { serversOf } from './servers.js';

/** What all connections of a service have in common; `purpose` tells them apart in nats-server's monitoring. */
export function connectionOptions(role: Role, config: ServiceConfig, purpose: string): ConnectionOptions {
  return {
    ...serversOf(config.NATS_URL),
    ...credentialsOf(config),
    ...tlsOf(config),
    name: `sliceway-${role}-${identity.instance}-${purpose}`,
    inboxPrefix: inboxPrefix(role),
    reconnect: true,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 10_000,
    maxPingOut: 3,
  };
}
