import { basename } from 'node:path';
import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { openModel } from '@sliceway/model';
import type { Serves, TextEntry } from '@sliceway/protocol';
import {
  FailureReporter,
  FramePublisher,
  HOT_PATH,
  LogOnce,
  METRICS,
  NO_LOAD,
  PeerRegistry,
  ServiceStatus,
  textCodec,
  type MetricsRegistry,
} from '@sliceway/service';
import { Encoder, maxReplyBytes, maxReplyTokens } from './encoding/encoder.js';
import { PromptEncoder } from './encoding/prompt-encoder.js';
import { ThreadedEncoder } from './encoding/threaded-encoder.js';
import { OpenRequests } from './output/open-requests.js';
import { TokenizerMetrics } from './tokenizer-metrics.js';
import type { TokenizerConfig } from './tokenizer.config.js';
import { TokenizerController } from './tokenizer.controller.js';
import { TokensSubscription } from './tokens-subscription.js';

/** nats-server's default. */
const DEFAULT_MAX_PAYLOAD_BYTES = 1 << 20;

@Module({})
export class TokenizerModule implements OnApplicationShutdown {
  constructor(
    private readonly encoder: Encoder,
    private readonly requests: OpenRequests,
    private readonly tokens: TokensSubscription,
  ) {}

  static forRoot(config: TokenizerConfig): DynamicModule {
    const { prompts, serves } = loadModel(config.SLICEWAY_MODEL);
    const { vocabSize } = prompts.tokenizer;
    return {
      module: TokenizerModule,
      controllers: [TokenizerController],
      providers: [
        {
          provide: Encoder,
          inject: [HOT_PATH],
          useFactory: ({ info }: NatsConnection) => {
            const maxPayloadBytes = info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES;
            return new Encoder(prompts, new ThreadedEncoder(config.SLICEWAY_MODEL), {
              maxChars: config.SLICEWAY_MAX_PROMPT_CHARS,
              maxTokens: maxReplyTokens(maxPayloadBytes, vocabSize),
              maxReplyBytes: maxReplyBytes(maxPayloadBytes),
            });
          },
        },
        {
          provide: TokenizerMetrics,
          inject: [METRICS],
          useFactory: (registry: MetricsRegistry) => new TokenizerMetrics(registry),
        },
        {
          provide: FramePublisher,
          inject: [HOT_PATH],
          useFactory: (connection: NatsConnection) => new FramePublisher(connection, textCodec),
        },
        {
          provide: OpenRequests,
          inject: [FramePublisher, FailureReporter, PeerRegistry, TokenizerMetrics, ServiceStatus],
          useFactory: (
            texts: FramePublisher<TextEntry>,
            failures: FailureReporter,
            peers: PeerRegistry,
            metrics: TokenizerMetrics,
            status: ServiceStatus,
          ) => {
            const requests = new OpenRequests({
              tokens: prompts.tokenizer,
              texts,
              failures,
              isEnding: () => status.isEnding,
              roleOf: (instance) => peers.get(instance)?.role,
              limits: {
                maxOpen: config.SLICEWAY_MAX_OPEN_REQUESTS,
                orderTimeoutMs: config.SLICEWAY_TOKEN_ORDER_TIMEOUT_MS,
                idleTimeoutMs: config.SLICEWAY_TOKEN_IDLE_TIMEOUT_MS,
              },
              onText: ({ tokens }) => metrics.detokenized(tokens.length),
              onDropped: (reason) => metrics.dropped(reason),
            });
            status.serves = serves;
            status.load = () => ({ ...NO_LOAD, running: requests.size, maxRunning: config.SLICEWAY_MAX_OPEN_REQUESTS });
            status.activeRequests = () => requests.size;
            return requests;
          },
        },
        {
          provide: TokensSubscription,
          inject: [HOT_PATH, OpenRequests, FramePublisher, PeerRegistry, LogOnce, TokenizerMetrics],
          useFactory: (
            connection: NatsConnection,
            requests: OpenRequests,
            texts: FramePublisher<TextEntry>,
            peers: PeerRegistry,
            faults: LogOnce,
            metrics: TokenizerMetrics,
          ) => new TokensSubscription({ connection, requests, texts, peers, faults, metrics }),
        },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    this.tokens.close();
    this.requests.close();
    await this.encoder.close();
  }
}

function loadModel(path: string): { readonly prompts: PromptEncoder; readonly serves: Serves } {
  const file = openModel(path);
  try {
    const { contextLength, eosTokenIds } = file.info;
    const model = basename(file.path, '.gguf');
    const described = { model, fingerprint: file.fingerprint(), contextLength, eosTokenIds };
    return {
      prompts: new PromptEncoder(file),
      serves: { ...described, backend: 'none', transports: [], kvFormat: null },
    };
  } finally {
    file.close();
  }
}
