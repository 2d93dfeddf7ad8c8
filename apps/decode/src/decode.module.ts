import { Module, type DynamicModule, type OnApplicationShutdown, Inject } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { startEngine, type EngineWorker } from '@sliceway/engine';
import {
  describeEngine,
  ENGINE,
  engineOptionsOf,
  FailureReporter,
  FramePublisher,
  HOT_PATH,
  kvTransportProvider,
  NatsKvTransport,
  PeerRegistry,
  ServiceStatus,
  tokenCodec,
  type Logger,
} from '@sliceway/service';
import type { DecodeConfig } from './decode.config.js';
import { DecodeController } from './decode.controller.js';
import { DecodeLegs } from './decode-legs.js';

@Module({})
export class DecodeModule implements OnApplicationShutdown {
  constructor(
    @Inject(ENGINE) private readonly engine: EngineWorker,
    private readonly transport: NatsKvTransport,
    status: ServiceStatus,
    legs: DecodeLegs,
    peers: PeerRegistry,
  ) {
    describeEngine(status, engine, [transport.name]);
    status.activeRequests = () => legs.active;
    peers.listen({ onGone: ({ instance }) => legs.dropPeer(instance) });
  }

  static forRoot(config: DecodeConfig, logger: Logger): DynamicModule {
    const onEngineDeath = (error: Error): void => {
      logger.fatal({ error }, 'the engine died');
      // After the failures have left for their gateways.
      setTimeout(() => process.exit(1), 500);
    };
    return {
      module: DecodeModule,
      controllers: [DecodeController],
      providers: [
        { provide: ENGINE, useFactory: () => startEngine(engineOptionsOf(config, logger)) },
        kvTransportProvider('decode', config),
        {
          provide: DecodeLegs,
          inject: [ENGINE, NatsKvTransport, HOT_PATH, FailureReporter],
          useFactory: (
            engine: EngineWorker,
            transport: NatsKvTransport,
            connection: NatsConnection,
            failures: FailureReporter,
          ) => new DecodeLegs(engine, transport, new FramePublisher(connection, tokenCodec), failures, onEngineDeath),
        },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    this.transport.close();
    await this.engine.close();
  }
}
