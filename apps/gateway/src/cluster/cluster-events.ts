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

/**
 * A worker that said goodbye has finished its part of every request, but its goodbye may overtake the last text, which
 * comes on another connection. What still depends on it after this time was left behind.
 */
const FAREWELL_MS = 2000;

/** Takes what happens in the cluster to the running requests: text, workers that go, this gateway's own drain. */
@Injectable()
export class ClusterEvents implements OnModuleInit, OnModuleDestroy {
  readonly #farewells = new Set<NodeJS.Timeout>();
  #text: FrameSubscription<TextFrame> | null = null;
  #stopListening = () => {};

  constructor(
    @Inject(HOT_PATH) private readonly hotPath: NatsConnection,
    private readonly faults: LogOnce,
    private readonly peers: PeerRegistry,
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
        onLost: (tokenizer, lost) => {
          this.metrics.framesLost(lost);
          this.table.onFramesLost(tokenizer);
        },
      },
      this.faults,
    );
    this.#stopListening = this.peers.listen({ onGone: (beat, reason) => this.#onGone(beat, reason) });
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
    for (const farewell of this.#farewells) clearTimeout(farewell);
  }

  #onGone({ role, instance }: Heartbeat, reason: 'left' | 'lost' | 'restarted'): void {
    if (role === Role.gateway) return;
    if (role === Role.tokenizer) this.#text?.forget(instance);
    if (reason !== 'left') {
      this.table.onWorkerLost(role, instance);
      return;
    }
    const farewell = setTimeout(() => {
      this.#farewells.delete(farewell);
      this.table.onWorkerLost(role, instance);
    }, FAREWELL_MS);
    this.#farewells.add(farewell);
  }
}
