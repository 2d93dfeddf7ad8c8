import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { startEngine, type EngineWorker } from '@sliceway/engine';
import type { TokenEntry } from '@sliceway/protocol';
import {
  endWithEngine,
  ENGINE,
  engineOptionsOf,
  FailureReporter,
  FramePublisher,
  joinCluster,
  kvTransportProvider,
  METRICS,
  NatsKvTransport,
  PeerRegistry,
  ServiceStatus,
  tokenPublisherProvider,
  TRACING,
  type Logger,
  type MetricsRegistry,
} from '@sliceway/service';
import type { Tracing } from '@sliceway/tracing';
import type { DecodeConfig } from './decode.config.js';
import { DecodeController } from './decode.controller.js';
import { DecodeLegs } from './decode-legs.js';

@Module({})
export class DecodeModule implements OnApplicationShutdown {
  constructor(
    @Inject(ENGINE) private readonly engine: EngineWorker,
    private readonly transport: NatsKvTransport,
    private readonly legs: DecodeLegs,
    status: ServiceStatus,
    tokens: FramePublisher<TokenEntry>,
    peers: PeerRegistry,
    @Inject(METRICS) registry: MetricsRegistry,
  ) {
    joinCluster({ status, registry, peers, engine, transport, tokens, legs });
  }

  static forRoot(config: DecodeConfig, logger: Logger): DynamicModule {
    const maxOpen = config.SLICEWAY_MAX_RUNNING + config.SLICEWAY_MAX_QUEUED;
    return {
      module: DecodeModule,
      controllers: [DecodeController],
      providers: [
        { provide: ENGINE, useFactory: () => startEngine(engineOptionsOf(config, logger)) },
        kvTransportProvider('decode', config),
        tokenPublisherProvider,
        {
          provide: DecodeLegs,
          inject: [ENGINE, NatsKvTransport, FramePublisher, FailureReporter, ServiceStatus, TRACING],
          useFactory: (
            engine: EngineWorker,
            transport: NatsKvTransport,
            tokens: FramePublisher<TokenEntry>,
            failures: FailureReporter,
            status: ServiceStatus,
            tracing: Tracing,
          ) => {
            const limits = { maxOpen, isEnding: () => status.isEnding };
            return new DecodeLegs(engine, transport, tokens, failures, limits, endWithEngine(logger, tracing));
          },
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
