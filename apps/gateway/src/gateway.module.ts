import { Module } from '@nestjs/common';
import {
  CONFIG,
  identity,
  MessageClient,
  METRICS,
  PeerRegistry,
  ServiceStatus,
  type MetricsRegistry,
} from '@sliceway/service';
import { BrokerWatch } from './cluster/broker-watch.js';
import { ClusterEvents } from './cluster/cluster-events.js';
import { FailedController } from './cluster/failed.controller.js';
import { NatsCluster } from './cluster/nats-cluster.js';
import { PeerDirectory } from './cluster/peer-directory.js';
import { unreadyReason } from './cluster/readiness.js';
import type { GatewayConfig } from './gateway.config.js';
import { AdminController } from './http/admin.controller.js';
import { AnswerFactory } from './http/answer-factory.js';
import { ChatController } from './http/chat.controller.js';
import { CompletionsController } from './http/completions.controller.js';
import { GenerateController } from './http/generate.controller.js';
import { ModelsController } from './http/models.controller.js';
import { Admission } from './requests/admission.js';
import { CLUSTER_PORT } from './requests/cluster-port.js';
import { GatewayMetrics } from './requests/gateway-metrics.js';
import { GenerationService } from './requests/generation.service.js';
import { queueLimits } from './requests/queue-limits.js';
import { RequestTable } from './requests/request-table.js';
import { Router } from './routing/router.js';

@Module({
  controllers: [
    AdminController,
    ChatController,
    CompletionsController,
    GenerateController,
    ModelsController,
    FailedController,
  ],
  providers: [
    AnswerFactory,
    BrokerWatch,
    ClusterEvents,
    GenerationService,
    {
      provide: RequestTable,
      inject: [GatewayMetrics],
      useFactory: (metrics: GatewayMetrics) => new RequestTable(() => metrics.lateEntry()),
    },
    {
      provide: PeerDirectory,
      inject: [PeerRegistry, BrokerWatch, GatewayMetrics],
      useFactory: (peers: PeerRegistry, broker: BrokerWatch, metrics: GatewayMetrics) => {
        const directory = new PeerDirectory(peers, identity.instance);
        broker.listen(directory);
        metrics.observeWorkers(directory);
        return directory;
      },
    },
    {
      provide: Admission,
      inject: [CONFIG, Router, GatewayMetrics],
      useFactory: (config: GatewayConfig, router: Router, metrics: GatewayMetrics) => {
        const admission = new Admission(queueLimits(config, router));
        metrics.observe(admission);
        return admission;
      },
    },
    {
      provide: CLUSTER_PORT,
      inject: [MessageClient, BrokerWatch, CONFIG],
      useFactory: (messages: MessageClient, broker: BrokerWatch, config: GatewayConfig) => {
        const cluster = new NatsCluster(messages, config.SLICEWAY_ENCODE_TIMEOUT_MS);
        broker.listen(cluster);
        return cluster;
      },
    },
    {
      provide: Router,
      inject: [PeerDirectory, ServiceStatus, CONFIG],
      useFactory: (directory: PeerDirectory, status: ServiceStatus, config: GatewayConfig) => {
        const router = new Router(directory, {
          prefillPolicy: config.SLICEWAY_PREFILL_POLICY,
          decodePolicy: config.SLICEWAY_DECODE_POLICY,
        });
        status.addReadinessCheck(() => unreadyReason(directory, router));
        return router;
      },
    },
    {
      provide: GatewayMetrics,
      inject: [METRICS],
      useFactory: (registry: MetricsRegistry) => new GatewayMetrics(registry),
    },
  ],
})
export class GatewayModule {}
