import type { KvFormat, Load } from '@sliceway/protocol';
import type { EngineConfig } from './config/engine.schema.js';
import type { Logger } from './logging/logger.js';
import type { ServiceStatus } from './service-status.js';

/** What the cluster is told of an engine. */
interface DescribedEngine {
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

/** Puts an engine's model and load into heartbeats and health. */
export function describeEngine(status: ServiceStatus, engine: DescribedEngine, transports: readonly string[]): void {
  const { model, fingerprint, contextLength, backend, kvFormat, eosTokenIds, maxRunning } = engine.info;
  status.serves = { model, fingerprint, contextLength, backend, transports, kvFormat, eosTokenIds };
  status.load = () => {
    const { running, waiting, queuedTokens, kvPagesUsed, kvPagesTotal } = engine.load;
    return { running, waiting, queuedTokens, kvPagesUsed, kvPagesTotal, maxRunning };
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
