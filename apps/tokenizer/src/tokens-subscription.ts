import type { NatsConnection } from '@nats-io/transport-node';
import { decodeTokenFrame, Role, subjects, type Heartbeat, type TextEntry, type TokenFrame } from '@sliceway/protocol';
import { FrameSubscription, identity, type FramePublisher, type LogOnce, type PeerRegistry } from '@sliceway/service';
import type { OpenRequests } from './output/open-requests.js';
import type { TokenizerMetrics } from './tokenizer-metrics.js';

export interface TokensSubscriptionParts {
  readonly connection: NatsConnection;
  readonly requests: OpenRequests;
  readonly texts: FramePublisher<TextEntry>;
  readonly peers: PeerRegistry;
  readonly faults: LogOnce;
  readonly metrics: TokenizerMetrics;
}

/** Takes token frames to their requests, and watches those who send them and those who read their text. */
export class TokensSubscription {
  readonly #parts: TokensSubscriptionParts;
  readonly #frames: FrameSubscription<TokenFrame>;
  readonly #stopListening: () => void;

  constructor(parts: TokensSubscriptionParts) {
    this.#parts = parts;
    const { connection, requests, faults, metrics, peers } = parts;
    this.#frames = new FrameSubscription(
      connection,
      subjects.tokens(identity.instance),
      decodeTokenFrame,
      {
        onFrame: (frame) => requests.take(frame),
        onLost: (sender, lost, untilMs) => {
          metrics.framesLost(lost);
          requests.lose(sender, lost, untilMs);
        },
      },
      faults,
    );
    this.#stopListening = peers.listen({ onGone: (beat, reason) => this.#onGone(beat, reason) });
  }

  close(): void {
    this.#frames.close();
    this.#stopListening();
  }

  #onGone({ role, instance }: Heartbeat, reason: 'left' | 'lost' | 'restarted'): void {
    if (role === Role.gateway) {
      this.#parts.requests.dropGateway(instance);
      this.#parts.texts.forget(instance);
    } else if (reason !== 'lost') {
      // One that was lost may wake up and go on with its numbers, which would look like a gap in a stream begun anew.
      this.#frames.forget(instance);
    }
  }
}
