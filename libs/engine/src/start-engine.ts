import { basename } from 'node:path';
import { fingerprint, modelInfo, openGguf } from '@sliceway/model';
import { attentionScratch, type BatchLimits } from './kernels/simd-attention.js';
import { pageBlockBytes, type KvFormat } from './kv/kv-format.js';
import { KvMemory } from './kv/kv-memory.js';
import { readLlamaConfig } from './model/llama-config.js';
import type { EngineWorker } from './worker/engine-worker.js';
import { ThreadedEngine } from './worker/threaded-engine.js';
import { ThreadedRunner } from './worker/threaded-runner.js';

export interface EngineOptions {
  /** A .gguf file. */
  readonly modelPath: string;
  /** Memory for KV pages, in MiB. Default 1024. */
  readonly kvMemoryMb?: number;
  /** Tokens of a KV page, a multiple of 16. Default 16. */
  readonly pageTokens?: number;
  /** Tokens of one forward: decoding sequences and chunks of prompts together. Default 128. */
  readonly batchTokens?: number;
  /** Sequences that run at once. Default 32. */
  readonly maxRunning?: number;
  /** Requests that wait; one more is refused. Default 256. */
  readonly maxQueued?: number;
  /** Cuts the model's context, in tokens. */
  readonly contextLength?: number;
  /** Called with the fraction of the weights loaded. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Starts an engine: reserves KV memory, starts the engine thread and loads the model into it.
 * @throws ModelFileError for a file that cannot be served, RangeError for options that do not fit together
 */
export async function startEngine(options: EngineOptions): Promise<EngineWorker> {
  const {
    modelPath,
    kvMemoryMb = 1024,
    pageTokens = 16,
    batchTokens = 128,
    maxRunning = 32,
    maxQueued = 256,
  } = options;
  if (pageTokens % 16 !== 0 || pageTokens <= 0)
    throw new RangeError(`pageTokens is ${pageTokens}; use a multiple of 16`);
  if (maxRunning > batchTokens)
    throw new RangeError(`maxRunning (${maxRunning}) must not exceed batchTokens (${batchTokens})`);
  const file = openGguf(modelPath);
  const [config, model] = withFile(file, () => [readLlamaConfig(file), modelInfo(file)] as const);
  const kvFormat: KvFormat = {
    engine: 'sliceway',
    dtype: 'f32',
    pageTokens,
    layers: [0, config.layers],
    kvHeads: [0, config.kvHeads],
    headDim: config.headDim,
    layout: 'k[head][dim][token] v[head][token][dim]',
    fingerprint: fingerprint(modelPath),
  };
  const kvPages = Math.floor((kvMemoryMb * 2 ** 20) / (pageBlockBytes(kvFormat) * config.layers));
  if (kvPages === 0) throw new RangeError(`kvMemoryMb is ${kvMemoryMb}; one KV page of this model needs more`);
  // One sequence must fit into the pool alone.
  const contextLength = Math.min(config.contextLength, options.contextLength ?? Infinity, kvPages * pageTokens);
  const limits: BatchLimits = { batchTokens, sequences: maxRunning, contextLength, pageTokens };
  const kv = new KvMemory(kvFormat, kvPages, attentionScratch(config, limits).bytes);

  const engine = new ThreadedEngine(
    {
      model: basename(modelPath, '.gguf'),
      backend: 'wasm',
      fingerprint: kvFormat.fingerprint,
      contextLength,
      vocabSize: config.vocabSize,
      eosTokenIds: model.eosTokenIds,
      kvFormat,
      kvPages,
      pageBlockBytes: kv.geometry.blockBytes,
      maxRunning,
    },
    kv,
    { contextLength, pageTokens, batchTokens, maxRunning, maxQueued, eosTokenIds: model.eosTokenIds },
  );
  const runnerOptions = { modelPath, memory: kv.memory, geometry: kv.geometry, limits, layers: config.layers };
  const runner = new ThreadedRunner(runnerOptions, options.onProgress ?? (() => {}), (error) => engine.die(error));
  engine.attach(runner);
  await runner.ready;
  return engine;
}

function withFile<T>(file: { close(): void }, read: () => T): T {
  try {
    return read();
  } finally {
    file.close();
  }
}
