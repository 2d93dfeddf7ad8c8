import type { Provider } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { FailureCode, type KvFormat, type Load, type TokenEntry } from '@sliceway/protocol';
import type { Tracing } from '@sliceway/tracing';
import type { EngineConfig } from './config/engine.schema.js';
import { exitWithSpans } from './drain/exit-with-spans.js';
import { tokenCodec } from './frames/frame-codecs.js';
import { FramePublisher } from './frames/frame-publisher.js';
import type { KvTransport } from './kv-transport/kv-transport.js';
import type { LegDropReason } from './legs/leg-table.js';
import { measureLegs } from './legs/leg-metrics.js';
import { meterEngine, type MeteredEngine } from './metrics/engine-meter.js';
import type { Logger } from './logging/logger.js';
import type { MetricsRegistry } from './metrics/metrics.js';
import type { PeerRegistry } from './registry/peer-registry.js';
import type { ServiceStatus } from './service-status.js';
import { HOT_PATH } from './tokens.js';

const FAREWELL_MS = 500;

/** What the cluster is told of an engine. */
interface DescribedEngine extends MeteredEngine {
  readonly info: {
    readonly model: string;
    readonly fingerprint: string;
    readonly contextLength: number;
    readonly backend: string;
    readonly kvFormat: KvFormat;
    readonly eosTokenIds: readonly number[];
    readonly maxRunning: number;
  };
  readonly load: Omit<Load, 'maxRunning'>;
}

/** The legs of prefill or decode. */
interface ServedLegs {
  readonly active: number;
  /** Legs that the engine does not know of yet. */
  readonly waiting: number;
  readonly dropped: Readonly<Record<LegDropReason, number>>;
  dropPeer(instance: string): void;
}

export interface EngineService {
  readonly status: ServiceStatus;
  readonly registry: MetricsRegistry;
  readonly peers: PeerRegistry;
  readonly engine: DescribedEngine;
  readonly transport: KvTransport;
  readonly tokens: FramePublisher<TokenEntry>;
  readonly legs: ServedLegs;
}

/** Tells the cluster and the metrics of an engine and its legs, and the legs of peers that are gone. */
export function joinCluster({ status, registry, peers, engine, transport, tokens, legs }: EngineService): void {
  describeEngine(status, engine, legs, [transport.name]);
  status.activeRequests = () => legs.active;
  measureLegs(registry, transport, legs.dropped);
  meterEngine(engine, registry);
  peers.listen({
    onGone: ({ instance }, reason) => {
      legs.dropPeer(instance);
      // Its next process begins a new stream of frames; one that was lost may wake up and expects the old one.
      if (reason !== 'lost') tokens.forget(instance);
    },
  });
}

/** An engine that died takes its process along, after the failures have left for their gateways, and the spans. */
export function endWithEngine(logger: Logger, tracing: Tracing): (error: Error) => void {
  return (error) => {
    logger.fatal({ error }, 'the engine died');
    setTimeout(() => void exitWithSpans(tracing, FailureCode.engineError), FAREWELL_MS);
  };
}

/** Where tokens go. */
export const tokenPublisherProvider: Provider = {
  provide: FramePublisher,
  inject: [HOT_PATH],
  useFactory: (connection: NatsConnection) => new FramePublisher(connection, tokenCodec),
};

function describeEngine(
  status: ServiceStatus,
  engine: DescribedEngine,
  legs: ServedLegs,
  transports: readonly string[],
): void {
  const { model, fingerprint, contextLength, backend, kvFormat, eosTokenIds, maxRunning } = engine.info;
  status.serves = { model, fingerprint, contextLength, backend, transports, kvFormat, eosTokenIds };
  status.load = () => {
    const { running, waiting, queuedTokens, kvPagesUsed, kvPagesTotal } = engine.load;
    return { running, waiting: waiting + legs.waiting, queuedTokens, kvPagesUsed, kvPagesTotal, maxRunning };
  };
}

/** Between two log lines about loading. */
const LOADING_STEP = 0.05;

/** An engine's options from the environment; loading is logged as it goes. */
export function engineOptionsOf(config: EngineConfig, logger: Logger) {
  let logged = 0;
  return {
    modelPath: config.SLICEWAY_MODEL,
    backend: config.SLICEWAY_BACKEND,
    kvMemoryMb: config.SLICEWAY_KV_MEMORY_MB,
    pageTokens: config.SLICEWAY_PAGE_TOKENS,
    batchTokens: config.SLICEWAY_CHUNKED_PREFILL_TOKENS,
    maxRunning: config.SLICEWAY_MAX_RUNNING,
    maxQueued: config.SLICEWAY_MAX_QUEUED,
    ...(config.SLICEWAY_CONTEXT_LENGTH === undefined ? {} : { contextLength: config.SLICEWAY_CONTEXT_LENGTH }),
    onNotice: (notice: string): void => logger.warn(notice),
    onProgress: (fraction: number): void => {
      if (fraction < 1 && fraction - logged < LOADING_STEP) return;
      logged = fraction;
      logger.info({ fraction: Number(fraction.toFixed(2)) }, 'loading');
    },
  };
}
