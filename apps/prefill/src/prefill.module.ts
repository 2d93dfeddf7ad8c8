import { Module, type DynamicModule, type OnApplicationShutdown, Inject } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { startEngine, type EngineWorker } from '@sliceway/engine';
import type { TokenEntry } from '@sliceway/protocol';
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
import type { PrefillConfig } from './prefill.config.js';
import { PrefillController } from './prefill.controller.js';
import { PrefillLegs } from './prefill-legs.js';

@Module({})
export class PrefillModule implements OnApplicationShutdown {
  constructor(
    @Inject(ENGINE) private readonly engine: EngineWorker,
    private readonly transport: NatsKvTransport,
    status: ServiceStatus,
    private readonly legs: PrefillLegs,
    tokens: FramePublisher<TokenEntry>,
    peers: PeerRegistry,
  ) {
    describeEngine(status, engine, [transport.name]);
    const engineLoad = status.load;
    status.load = () => {
      const load = engineLoad();
      return { ...load, waiting: load.waiting + legs.bootstrapping };
    };
    status.activeRequests = () => legs.active;
    peers.listen({
      onGone: ({ instance }, reason) => {
        legs.dropPeer(instance);
        // Its next process begins a new stream of frames; one that was lost may wake up and expects the old one.
        if (reason !== 'lost') tokens.forget(instance);
      },
    });
  }

  static forRoot(config: PrefillConfig, logger: Logger): DynamicModule {
    const onEngineDeath = (error: Error): void => {
      logger.fatal({ error }, 'the engine died');
      // After the failures have left for their gateways.
      setTimeout(() => process.exit(1), 500);
    };
    const maxOpen = config.SLICEWAY_MAX_RUNNING + config.SLICEWAY_MAX_QUEUED;
    return {
      module: PrefillModule,
      controllers: [PrefillController],
      providers: [
        { provide: ENGINE, useFactory: () => startEngine(engineOptionsOf(config, logger)) },
        kvTransportProvider('prefill', config),
        {
          provide: FramePublisher,
          inject: [HOT_PATH],
          useFactory: (connection: NatsConnection) => new FramePublisher(connection, tokenCodec),
        },
        {
          provide: PrefillLegs,
          inject: [ENGINE, NatsKvTransport, FramePublisher, FailureReporter],
          useFactory: (
            engine: EngineWorker,
            transport: NatsKvTransport,
            tokens: FramePublisher<TokenEntry>,
            failures: FailureReporter,
          ) => new PrefillLegs(engine, transport, tokens, failures, maxOpen, onEngineDeath),
        },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    this.legs.failAll();
    this.transport.close();
    await this.engine.close();
  }
}
