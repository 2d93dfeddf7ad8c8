import { Module } from '@nestjs/common';
import { CONFIG, MessageClient, METRICS, PeerRegistry, ServiceStatus, type MetricsRegistry } from '@sliceway/service';
import { ClusterEvents } from './cluster/cluster-events.js';
import { FailedController } from './cluster/failed.controller.js';
import { NatsCluster } from './cluster/nats-cluster.js';
import { PeerDirectory } from './cluster/peer-directory.js';
import { unreadyReason } from './cluster/readiness.js';
import type { GatewayConfig } from './gateway.config.js';
import { ChatController } from './http/chat.controller.js';
import { ModelsController } from './http/models.controller.js';
import { Admission } from './requests/admission.js';
import { ChatService } from './requests/chat.service.js';
import { CLUSTER_PORT } from './requests/cluster-port.js';
import { GatewayMetrics } from './requests/gateway-metrics.js';
import { RequestTable } from './requests/request-table.js';
import { Router } from './routing/router.js';

@Module({
  controllers: [ChatController, ModelsController, FailedController],
  providers: [
    ChatService,
    ClusterEvents,
    RequestTable,
    {
      provide: Admission,
      inject: [CONFIG],
      useFactory: (config: GatewayConfig) => new Admission(config.SLICEWAY_MAX_CONCURRENT_REQUESTS),
    },
    {
      provide: CLUSTER_PORT,
      inject: [MessageClient, CONFIG],
      useFactory: (messages: MessageClient, config: GatewayConfig) =>
        new NatsCluster(messages, config.SLICEWAY_ENCODE_TIMEOUT_MS),
    },
    {
      provide: Router,
      inject: [PeerRegistry, ServiceStatus, CONFIG],
      useFactory: (peers: PeerRegistry, status: ServiceStatus, config: GatewayConfig) => {
        const directory = new PeerDirectory(peers);
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
