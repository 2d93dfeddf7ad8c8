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
import type { DecodeConfig } from './decode.config.js';
import { DecodeController } from './decode.controller.js';
import { DecodeLegs } from './decode-legs.js';

@Module({})
export class DecodeModule implements OnApplicationShutdown {
  constructor(
    @Inject(ENGINE) private readonly engine: EngineWorker,
    private readonly transport: NatsKvTransport,
    status: ServiceStatus,
    private readonly legs: DecodeLegs,
    tokens: FramePublisher<TokenEntry>,
    peers: PeerRegistry,
  ) {
    describeEngine(status, engine, [transport.name]);
    status.activeRequests = () => legs.active;
    peers.listen({
      onGone: ({ instance }, reason) => {
        legs.dropPeer(instance);
        // Its next process begins a new stream of frames; one that was lost may wake up and expects the old one.
        if (reason !== 'lost') tokens.forget(instance);
      },
    });
  }

  static forRoot(config: DecodeConfig, logger: Logger): DynamicModule {
    const onEngineDeath = (error: Error): void => {
      logger.fatal({ error }, 'the engine died');
      // After the failures have left for their gateways.
      setTimeout(() => process.exit(1), 500);
    };
    const maxOpen = config.SLICEWAY_MAX_RUNNING + config.SLICEWAY_MAX_QUEUED;
    return {
      module: DecodeModule,
      controllers: [DecodeController],
      providers: [
        { provide: ENGINE, useFactory: () => startEngine(engineOptionsOf(config, logger)) },
        kvTransportProvider('decode', config),
        {
          provide: FramePublisher,
          inject: [HOT_PATH],
          useFactory: (connection: NatsConnection) => new FramePublisher(connection, tokenCodec),
        },
        {
          provide: DecodeLegs,
          inject: [ENGINE, NatsKvTransport, FramePublisher, FailureReporter],
          useFactory: (
            engine: EngineWorker,
            transport: NatsKvTransport,
            tokens: FramePublisher<TokenEntry>,
            failures: FailureReporter,
          ) => new DecodeLegs(engine, transport, tokens, failures, maxOpen, onEngineDeath),
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
