import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { ClientNats, type NatsOptions } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Role, WorkerRole } from '@sliceway/protocol';
import type { Tracing } from '@sliceway/tracing';
import type { ServiceConfig } from './config/service.schema.js';
import { FailureReporter } from './failure-reporter.js';
import { HealthController } from './health/health.controller.js';
import { LogOnce } from './logging/log-once.js';
import type { Logger } from './logging/logger.js';
import { MessageErrorFilter } from './message-error.filter.js';
import { createMetrics } from './metrics/metrics.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { ConnectionHealth } from './nats/connection-health.js';
import { connectionOptions } from './nats/connection-options.js';
import { MessageClient } from './nats/message-client.js';
import { connectHotPath } from './nats/nats-connection.js';
import { serversForPeople } from './nats/servers.js';
import { HeartbeatController } from './registry/heartbeat.controller.js';
import { Heartbeats } from './registry/heartbeats.js';
import { PeerRegistry } from './registry/peer-registry.js';
import { ServiceStatus } from './service-status.js';
import { TraceLevelController } from './trace-level.controller.js';
import { CONFIG, HOT_PATH, LOGGER, METRICS, TRACING } from './tokens.js';

/** Everything that the four services share, for one process. Global: an app's modules inject what they need. */
@Module({})
export class ServiceModule {
  static forRoot(role: Role, config: ServiceConfig, logger: Logger, tracing: Tracing): DynamicModule {
    const status = new ServiceStatus(role);
    const faults = new LogOnce(logger);
    const client = new ClientNats(connectionOptions(role, config, 'messages') as NonNullable<NatsOptions['options']>);
    const health = new ConnectionHealth(serversForPeople(config.NATS_URL));
    status.addReadinessCheck(() => health.reason());
    const messages = new MessageClient(client, faults, health);
    const failures = new FailureReporter(role as WorkerRole, messages, logger);
    const peers = new PeerRegistry();
    const providers: Provider[] = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: logger },
      { provide: TRACING, useValue: tracing },
      { provide: LogOnce, useValue: faults },
      { provide: ServiceStatus, useValue: status },
      { provide: ConnectionHealth, useValue: health },
      { provide: METRICS, useFactory: () => createMetrics(status, faults, failures, tracing, health) },
      { provide: HOT_PATH, useFactory: (): Promise<NatsConnection> => connectHotPath(role, config, health, logger) },
      { provide: MessageClient, useValue: messages },
      { provide: FailureReporter, useValue: failures },
      { provide: PeerRegistry, useValue: peers },
      { provide: Heartbeats, useValue: new Heartbeats(config, status, peers, messages) },
    ];
    return {
      module: ServiceModule,
      global: true,
      controllers: [HealthController, MetricsController, HeartbeatController, TraceLevelController],
      providers: [
        ...providers,
        {
          provide: APP_FILTER,
          inject: [HttpAdapterHost],
          useFactory: ({ httpAdapter }: HttpAdapterHost) => new MessageErrorFilter(faults, logger, httpAdapter),
        },
      ],
      exports: providers.map((provider) => (provider as { provide: symbol }).provide),
    };
  }
}
