import { basename } from 'node:path';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { fingerprint, modelInfo, openGguf } from '@sliceway/model';
import { decodeTokenFrame, subjects, type TokenFrame } from '@sliceway/protocol';
import {
  FailureReporter,
  FramePublisher,
  FrameSubscription,
  HOT_PATH,
  identity,
  LogOnce,
  NO_LOAD,
  PeerRegistry,
  ServiceStatus,
  textCodec,
} from '@sliceway/service';
import { OpenRequests } from './open-requests.js';
import { PromptEncoder } from './prompt-encoder.js';
import type { TokenizerConfig } from './tokenizer.config.js';
import { TokenizerController } from './tokenizer.controller.js';

@Module({})
export class TokenizerModule implements OnApplicationShutdown {
  readonly #tokens: FrameSubscription<TokenFrame>;

  constructor(
    private readonly requests: OpenRequests,
    @Inject(HOT_PATH) connection: NatsConnection,
    faults: LogOnce,
    peers: PeerRegistry,
  ) {
    this.#tokens = new FrameSubscription(
      connection,
      subjects.tokens(identity.instance),
      decodeTokenFrame,
      { onFrame: (frame) => requests.take(frame), onLost: (sender, lost) => requests.lose(sender, lost) },
      faults,
    );
    peers.listen({
      onGone: ({ role, instance }) => {
        this.#tokens.forget(instance);
        if (role === 'gateway') requests.dropGateway(instance);
      },
    });
  }

  static forRoot(config: TokenizerConfig): DynamicModule {
    const file = openGguf(config.SLICEWAY_MODEL);
    const encoder = new PromptEncoder(file, config.SLICEWAY_MAX_PROMPT_CHARS);
    const { contextLength, eosTokenIds } = modelInfo(file);
    const serves = {
      model: basename(file.path, '.gguf'),
      fingerprint: fingerprint(file),
      contextLength,
      backend: 'none',
      transports: [],
      kvFormat: null,
      eosTokenIds,
    };
    file.close();
    return {
      module: TokenizerModule,
      controllers: [TokenizerController],
      providers: [
        { provide: PromptEncoder, useValue: encoder },
        {
          provide: OpenRequests,
          inject: [HOT_PATH, FailureReporter, ServiceStatus],
          useFactory: (connection: NatsConnection, failures: FailureReporter, status: ServiceStatus) => {
            const requests = new OpenRequests(encoder.tokenizer, new FramePublisher(connection, textCodec), failures, {
              maxOpen: config.SLICEWAY_MAX_OPEN_REQUESTS,
              orderTimeoutMs: config.SLICEWAY_TOKEN_ORDER_TIMEOUT_MS,
            });
            status.serves = serves;
            status.load = () => ({ ...NO_LOAD, running: requests.size });
            status.activeRequests = () => requests.size;
            return requests;
          },
        },
      ],
    };
  }

  onApplicationShutdown(): void {
    this.#tokens.close();
    this.requests.close();
  }
}
