import type { NatsConnection } from '@nats-io/transport-node';
import { Svcm, type Service } from '@nats-io/services';
import { identity } from '../identity.config.js';
import type { ServiceStatus } from '../service-status.js';
import { VERSION } from '../version.js';

/** Registers the service for discovery: `nats micro ls`, `nats micro info sliceway-decode`. */
export function registerMicroService(connection: NatsConnection, status: ServiceStatus): Promise<Service> {
  return new Svcm(connection).add({
    name: `sliceway-${status.role}`,
    version: VERSION,
    description: `Sliceway ${status.role}`,
    metadata: {
      instance: identity.instance,
      host: identity.host,
      pid: String(identity.pid),
      model: status.serves?.model ?? '',
      fingerprint: status.serves?.fingerprint ?? '',
    },
  });
}
