import { basename } from 'node:path';
import { openModel, type ModelFile } from '@sliceway/model';
import type { BackendInfo } from './backend/backend.js';
import { prepareTensorflow } from './backend/native.config.js';
import { batchLimits, fillOptions, type EngineOptions, type FilledOptions } from './engine-options.js';
import { attentionScratch } from './kernels/simd-attention.js';
import { kvFormatOf, pageBlockBytes } from './kv/kv-format.js';
import { KvMemory } from './kv/kv-memory.js';
import { checkMemory, planMemory } from './memory-plan.js';
import { checkKernelLimits } from './model/kernel-limits.js';
import { checkTensors } from './model/tensor-reader.js';
import { allSpecs } from './model/tensor-specs.js';
import type { EngineWorker } from './worker/engine-worker.js';
import { ThreadedEngine } from './worker/threaded-engine.js';
import { ThreadedRunner } from './worker/threaded-runner.js';

/**
 * Starts an engine: checks the model, starts the engine thread with its backend, checks that all of it fits, reserves KV
 * memory and loads the weights.
 * @throws ModelFileError for a file that cannot be served, EngineError (out_of_memory) for one that does not fit,
 *   NativeBackendError for a backend that is not there, RangeError for options that do not fit together
 */
export async function startEngine(given: EngineOptions): Promise<EngineWorker> {
  const options = fillOptions(given);
  const file = openModel(options.modelPath);
  try {
    checkKernelLimits(file.config, file.path);
    checkTensors(file, allSpecs(file.config));
    const { backend = 'auto', nativeDirectory } = options;
    prepareTensorflow();
    const { runner, backend: info } = await ThreadedRunner.start({ backend, nativeDirectory });
    try {
      return await startOn(runner, info, file, options);
    } catch (error) {
      await runner.close();
      throw error;
    }
  } finally {
    file.close();
  }
}

async function startOn(
  runner: ThreadedRunner,
  backend: BackendInfo,
  file: ModelFile,
  options: FilledOptions,
): Promise<EngineWorker> {
  const { config, info } = file;
  const kvFormat = kvFormatOf(config, options.pageTokens, file.fingerprint());
  const pageBytes = pageBlockBytes(kvFormat) * config.layers;
  const kvPages = Math.floor((options.kvMemoryMb * 2 ** 20) / pageBytes);
  if (kvPages === 0) throw new RangeError(`kvMemoryMb is ${options.kvMemoryMb}; one KV page of this model needs more`);
  // One sequence must fit into the pool alone.
  const contextLength = Math.min(config.contextLength, options.contextLength ?? Infinity, kvPages * options.pageTokens);
  const limits = batchLimits(options, contextLength);
  const attention = options.attention ?? (backend.gpu ? 'tensor' : 'simd');
  checkMemory(file, backend, planMemory(file, backend, attention, limits, kvPages * pageBytes));

  const kv = new KvMemory(kvFormat, kvPages, attentionScratch(config, limits).bytes);
  const { eosTokenIds } = info;
  const engine = new ThreadedEngine(
    {
      model: basename(file.path, '.gguf'),
      backend: backend.name,
      fingerprint: kvFormat.fingerprint,
      contextLength,
      vocabSize: config.vocabSize,
      eosTokenIds,
      kvFormat,
      kvPages,
      pageBlockBytes: kv.geometry.blockBytes,
      maxRunning: options.maxRunning,
    },
    kv,
    {
      contextLength,
      pageTokens: options.pageTokens,
      batchTokens: options.batchTokens,
      maxRunning: options.maxRunning,
      maxQueued: options.maxQueued,
      eosTokenIds,
    },
    runner,
  );
  runner.onDeath = (error) => engine.die(error);
  if (backend.notice !== null) options.onNotice(backend.notice);
  const runnerOptions = { modelPath: options.modelPath, memory: kv.memory, geometry: kv.geometry, limits, attention };
  await runner.load(runnerOptions, config.layers, options.onProgress);
  return engine;
}
