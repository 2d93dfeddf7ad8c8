import type { ModelConfig, ModelFile } from '@sliceway/model';
import type { BackendInfo } from './backend/backend.js';
import { EngineError } from './errors.js';
import type { AttentionKind, BatchLimits } from './kernels/attention.js';
import { weightSizes } from './model/weights.js';

/** Bytes that an engine needs of a backend. */
export interface MemoryPlan {
  /** f32 matrices, as often as the backend holds them, and the embedding as the file has it. */
  readonly weights: number;
  /** Activations and logits of the largest forward. */
  readonly scratch: number;
  /** KV pages: those on the host where the backend is the host, those on the device where attention is there. */
  readonly kv: number;
}

export function planMemory(
  file: ModelFile,
  backend: BackendInfo,
  attention: AttentionKind,
  limits: BatchLimits,
  kvBytes: number,
): MemoryPlan {
  const { floats, embeddingBytes } = weightSizes(file);
  // tfjs's wasm heap is a memory of its own, beside the KV pages and what JavaScript holds.
  const ownHeap = backend.name === 'wasm';
  const onHost = !ownHeap && !backend.gpu;
  return {
    weights: floats * 4 * backend.weightCopies + (onHost ? embeddingBytes : 0),
    scratch:
      scratchBytes(file.config, limits) + (attention === 'tensor' ? tensorAttentionBytes(file.config, limits) : 0),
    kv: (onHost ? kvBytes : 0) + (attention === 'tensor' ? kvBytes : 0),
  };
}

/** @throws EngineError (out_of_memory) with what it needs, what there is, and what to do */
export function checkMemory(file: ModelFile, backend: BackendInfo, plan: MemoryPlan): void {
  const needed = plan.weights + plan.scratch + plan.kv;
  if (needed <= backend.capacityBytes) return;
  const parts = `weights ${gib(plan.weights)}, scratch ${gib(plan.scratch)}${plan.kv > 0 ? `, KV pages ${gib(plan.kv)}` : ''}`;
  throw new EngineError(
    'out_of_memory',
    `${file.path} needs ${gib(needed)} (${parts}), backend ${backend.name} holds ${gib(backend.capacityBytes, Math.floor)}: ${wayOut(backend, plan)}`,
  );
}

function wayOut({ name, capacityBytes }: BackendInfo, { weights, kv }: MemoryPlan): string {
  if (name === 'wasm') return 'use SLICEWAY_BACKEND=node (`npm run native`), or a smaller model';
  if (kv > 0 && weights < capacityBytes) return 'use a smaller SLICEWAY_KV_MEMORY_MB, or a smaller model';
  return name === 'gpu'
    ? 'use SLICEWAY_BACKEND=node, or a smaller model'
    : 'use a machine with more memory, or a smaller model';
}

/** The widest moment of a layer, for all rows of a batch, and the logits of all its outputs. */
function scratchBytes({ hidden, heads, kvHeads, headDim, ffn, vocabSize }: ModelConfig, limits: BatchLimits): number {
  const attention = (2 * heads + 2 * kvHeads) * headDim;
  const widest = 3 * hidden + Math.max(attention, 3 * ffn);
  return 4 * (limits.batchTokens * widest + limits.sequences * (vocabSize + hidden));
}

/** Scores, mask, weights and what they are made of, for a chunk at the end of the longest context. */
function tensorAttentionBytes({ heads }: ModelConfig, { batchTokens, contextLength }: BatchLimits): number {
  return 4 * 4 * heads * batchTokens * contextLength;
}

function gib(bytes: number, round = Math.ceil): string {
  return `${(round((bytes / 2 ** 30) * 100) / 100).toFixed(2)} GiB`;
}
