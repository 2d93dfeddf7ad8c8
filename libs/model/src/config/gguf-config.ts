import type { GgufFile } from '../gguf/gguf-file.js';
import type { ModelConfig } from '../model-config.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { checkedConfig } from './checked-config.js';
import { readGgufRopeScaling } from './gguf-rope-scaling.js';
import { unsupported } from './refuse.js';

/**
 * Reads a model's shape from `<architecture>.*`, with the defaults of llama.cpp (`load_hparams` in src/llama-model.cpp).
 *
 * @throws ModelFileError (unsupported_architecture, missing_metadata, bad_metadata, missing_tensor)
 */
export function readGgufConfig(file: GgufFile): ModelConfig {
  const architecture = file.getString('general.architecture');
  if (architecture !== 'llama' && architecture !== 'qwen2') {
    throw unsupported(file.path, `architecture "${architecture}" is not supported; use a llama or qwen2 model`);
  }
  const keyOf = (key: string): string => `${architecture}.${key}`;
  refuseVariants(file, keyOf);
  const heads = file.getNumber(keyOf('attention.head_count'));
  const hidden = file.getNumber(keyOf('embedding_length'));
  const headDim = file.findNumber(keyOf('attention.key_length')) ?? hidden / heads;
  const contextLength = file.getNumber(keyOf('context_length'));
  for (const key of ['attention.value_length', 'rope.dimension_count'].map(keyOf)) {
    const value = file.findNumber(key) ?? headDim;
    if (value !== headDim)
      throw unsupported(file.path, `${key} is ${value}, the head dimension ${headDim}; both must be equal`);
  }
  const embedding = file.tensors.get('token_embd.weight');
  if (!embedding) {
    throw new ModelFileError(ModelFileErrorCode.MISSING_TENSOR, `${file.path}: tensor token_embd.weight is missing`);
  }
  return checkedConfig(file.path, {
    architecture,
    layers: file.getNumber(keyOf('block_count')),
    hidden,
    heads,
    kvHeads: file.findNumber(keyOf('attention.head_count_kv')) ?? heads,
    headDim,
    ffn: file.getNumber(keyOf('feed_forward_length')),
    vocabSize: embedding.shape[1] ?? 0,
    contextLength,
    ropeTheta: file.findNumber(keyOf('rope.freq_base')) ?? 10_000,
    ropeScaling: readGgufRopeScaling(file, architecture, contextLength),
    ropeInterleaved: architecture === 'llama',
    rmsEps: file.getNumber(keyOf('attention.layer_norm_rms_epsilon')),
  });
}

function refuseVariants(file: GgufFile, keyOf: (key: string) => string): void {
  const experts = file.findNumber(keyOf('expert_count')) ?? 0;
  if (experts > 0) throw unsupported(file.path, `${keyOf('expert_count')} is ${experts}; use a model without experts`);
  const parts = file.findNumber('split.count') ?? 1;
  if (parts > 1) throw unsupported(file.path, `it is one of ${parts} parts; join them with llama-gguf-split --merge`);
}
