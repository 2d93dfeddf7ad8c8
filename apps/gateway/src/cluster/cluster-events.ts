import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  AbortReason,
  decodeTextFrame,
  Role,
  subjects,
  WorkerState,
  type Heartbeat,
  type TextFrame,
} from '@sliceway/protocol';
import { FrameSubscription, HOT_PATH, identity, LogOnce, PeerRegistry, ServiceStatus } from '@sliceway/service';
import { draining } from '../openai/api-errors.js';
import { Admission } from '../requests/admission.js';
import { GatewayMetrics } from '../requests/gateway-metrics.js';
import { RequestTable } from '../requests/request-table.js';
import { BrokerWatch } from './broker-watch.js';

/** Takes what happens in the cluster to the running requests: text, workers that go, this gateway's own drain. */
@Injectable()
export class ClusterEvents implements OnModuleInit, OnModuleDestroy {
  #text: FrameSubscription<TextFrame> | null = null;
  #stopListening = () => {};

  constructor(
    @Inject(HOT_PATH) private readonly hotPath: NatsConnection,
    private readonly faults: LogOnce,
    private readonly peers: PeerRegistry,
    private readonly broker: BrokerWatch,
    private readonly status: ServiceStatus,
    private readonly table: RequestTable,
    private readonly admission: Admission,
    private readonly metrics: GatewayMetrics,
  ) {}

  onModuleInit(): void {
    this.#text = new FrameSubscription(
      this.hotPath,
      subjects.text(identity.instance),
      decodeTextFrame,
      {
        onFrame: (frame) => this.table.onTextFrame(frame),
        onLost: (tokenizer, lost, untilMs) => {
          this.metrics.framesLost(lost);
          this.table.onFramesLost(tokenizer, untilMs);
        },
      },
      this.faults,
    );
    this.#stopListening = this.peers.listen({ onGone: (beat, reason) => this.#onGone(beat, reason) });
    this.broker.listen(this.table);
    this.status.activeRequests = () => this.admission.running;
    this.status.onChange(() => {
      if (this.status.state === WorkerState.draining) this.admission.close();
    });
  }

  /** The drain is over: what still runs has had its time. */
  onModuleDestroy(): void {
    this.admission.close();
    this.table.failAll(draining(), AbortReason.shuttingDown);
    this.#text?.close();
    this.#stopListening();
  }

  #onGone({ role, instance }: Heartbeat, reason: 'left' | 'lost' | 'restarted'): void {
    if (role === Role.gateway) return;
    // One that was lost may wake up and go on with its numbers, which would look like a gap in a stream begun anew.
    if (role === Role.tokenizer && reason !== 'lost') this.#text?.forget(instance);
    this.table.onWorkerLost(role, instance);
  }
}
