import { BackendName } from './backend/backend.js';
import { AttentionKind, type BatchLimits } from './kernels/attention.js';

export interface EngineOptions {
  /** A .gguf file, or a folder with config.json, safetensors and tokenizer.json. */
  readonly modelPath: string;
  /** Default `auto`: the best that is installed of gpu, node, wasm. */
  readonly backend?: BackendName;
  /** Where `npm run native` put the backends gpu and node. */
  readonly nativeDirectory?: string;
  /** Default: `tensor` on a GPU, else `simd`. */
  readonly attention?: AttentionKind;
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
  /** Called with what a person should know, such as a GPU that is missing. */
  readonly onNotice?: (notice: string) => void;
}

/** With all defaults. */
export type FilledOptions = Required<
  Pick<
    EngineOptions,
    'kvMemoryMb' | 'pageTokens' | 'batchTokens' | 'maxRunning' | 'maxQueued' | 'onProgress' | 'onNotice'
  >
> &
  EngineOptions;

/** @throws RangeError for options that do not fit together */
export function fillOptions(options: EngineOptions): FilledOptions {
  const filled = {
    kvMemoryMb: 1024,
    pageTokens: 16,
    batchTokens: 128,
    maxRunning: 32,
    maxQueued: 256,
    onProgress: () => {},
    onNotice: () => {},
    ...options,
  };
  const fault = findFault(filled);
  if (fault !== undefined) throw new RangeError(fault);
  return filled;
}

function findFault(options: FilledOptions): string | undefined {
  const { kvMemoryMb, pageTokens, maxRunning, batchTokens, backend = 'auto', attention = 'simd' } = options;
  if (!(kvMemoryMb > 0)) return `kvMemoryMb is ${kvMemoryMb}; use a positive number of MiB`;
  if (pageTokens % 16 !== 0 || !(pageTokens > 0)) return `pageTokens is ${pageTokens}; use a multiple of 16`;
  for (const name of ['batchTokens', 'maxRunning', 'maxQueued', 'contextLength'] as const) {
    const value = options[name] ?? 1;
    if (!(Number.isInteger(value) && value > 0)) return `${name} is ${value}; use a positive integer`;
  }
  if (maxRunning > batchTokens) return `maxRunning (${maxRunning}) must not exceed batchTokens (${batchTokens})`;
  const backends: readonly string[] = Object.values(BackendName);
  if (!backends.includes(backend)) return `backend is "${backend}"; use ${backends.join(', ')}`;
  const kinds: readonly string[] = Object.values(AttentionKind);
  if (!kinds.includes(attention)) return `attention is "${attention}"; use ${kinds.join(' or ')}`;
  return undefined;
}

/** What one forward may hold. */
export function batchLimits(options: FilledOptions, contextLength: number): BatchLimits {
  const { batchTokens, maxRunning, pageTokens } = options;
  return { batchTokens, sequences: maxRunning, contextLength, pageTokens };
}
