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
import type { PrefillConfig } from './prefill.config.js';
import { PrefillController } from './prefill.controller.js';
import { PrefillLegs } from './prefill-legs.js';

@Module({})
export class PrefillModule implements OnApplicationShutdown {
  constructor(
    @Inject(ENGINE) private readonly engine: EngineWorker,
    private readonly transport: NatsKvTransport,
    private readonly legs: PrefillLegs,
    status: ServiceStatus,
    tokens: FramePublisher<TokenEntry>,
    peers: PeerRegistry,
    @Inject(METRICS) registry: MetricsRegistry,
  ) {
    joinCluster({ status, registry, peers, engine, transport, tokens, legs });
  }

  static forRoot(config: PrefillConfig, logger: Logger): DynamicModule {
    const maxOpen = config.SLICEWAY_MAX_RUNNING + config.SLICEWAY_MAX_QUEUED;
    return {
      module: PrefillModule,
      controllers: [PrefillController],
      providers: [
        { provide: ENGINE, useFactory: () => startEngine(engineOptionsOf(config, logger)) },
        kvTransportProvider('prefill', config),
        tokenPublisherProvider,
        {
          provide: PrefillLegs,
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
            return new PrefillLegs(engine, transport, tokens, failures, limits, endWithEngine(logger, tracing));
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
