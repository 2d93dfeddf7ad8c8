import type { JsonObject } from '../json/json-object.js';
import type { ModelConfig } from '../model-config.js';
import { checkedConfig } from './checked-config.js';
import { readHuggingFaceRope, stretchedLength } from './hugging-face-rope.js';
import { unsupported } from './refuse.js';

interface Family {
  readonly architecture: ModelConfig['architecture'];
  /** transformers' `num_key_value_heads` where a config.json has none; null is the number of heads. */
  readonly kvHeads: number | null;
}

const FAMILIES: Readonly<Record<string, Family>> = {
  llama: { architecture: 'llama', kvHeads: null },
  mistral: { architecture: 'llama', kvHeads: 8 },
  qwen2: { architecture: 'qwen2', kvHeads: 32 },
};

/** transformers' `sliding_window` of mistral and `max_window_layers` of qwen2 where a config.json has none. */
const MISTRAL_WINDOW = 4_096;
const QWEN2_WINDOW_LAYERS = 28;

/**
 * Reads a model's shape from config.json, with the defaults of transformers.
 *
 * @throws ModelFileError (unsupported_architecture, missing_metadata, bad_metadata)
 */
export function readHuggingFaceConfig(config: JsonObject): ModelConfig {
  const modelType = config.getString('model_type');
  const family = Object.hasOwn(FAMILIES, modelType) ? FAMILIES[modelType] : undefined;
  if (!family)
    throw unsupported(config.where, `model_type "${modelType}" is not supported; use a llama, mistral or qwen2 model`);
  refuseVariants(config);
  const heads = config.getNumber('num_attention_heads');
  const hidden = config.getNumber('hidden_size');
  const trainedLength = config.getNumber('max_position_embeddings');
  const rope = readHuggingFaceRope(config, trainedLength);
  const kvHeads = config.has('num_key_value_heads') ? config.findNumber('num_key_value_heads') : family.kvHeads;
  return checkedConfig(config.where, {
    architecture: family.architecture,
    layers: config.getNumber('num_hidden_layers'),
    hidden,
    heads,
    kvHeads: kvHeads ?? heads,
    headDim: config.findNumber('head_dim') ?? hidden / heads,
    ffn: config.getNumber('intermediate_size'),
    vocabSize: config.getNumber('vocab_size'),
    contextLength: Math.min(stretchedLength(trainedLength, rope.ropeScaling), windowOf(config, modelType)),
    ...rope,
    ropeInterleaved: false,
    rmsEps: config.findNumber('rms_norm_eps') ?? 1e-6,
  });
}

/** Tokens that a token sees in every layer; Infinity when all. */
function windowOf(config: JsonObject, modelType: string): number {
  const window = config.findNumber('sliding_window');
  if (modelType === 'mistral') return (config.has('sliding_window') ? window : MISTRAL_WINDOW) ?? Infinity;
  if (modelType !== 'qwen2' || window === undefined || config.findBoolean('use_sliding_window') !== true)
    return Infinity;
  const layerTypes = config.findArray('layer_types');
  const slides = layerTypes
    ? layerTypes.includes('sliding_attention')
    : (config.findNumber('max_window_layers') ?? QWEN2_WINDOW_LAYERS) < config.getNumber('num_hidden_layers');
  return slides ? window : Infinity;
}

function refuseVariants(config: JsonObject): void {
  const activation = config.findString('hidden_act') ?? 'silu';
  if (activation !== 'silu')
    throw unsupported(config.where, `hidden_act "${activation}" is not supported; use a model with silu`);
  const quantization = config.findObject('quantization_config');
  if (!quantization) return;
  const method = quantization.findString('quant_method') ?? 'unnamed';
  const message = `quantization_config (${method}) is not supported; use the model's F16 or BF16 safetensors, or a quantized GGUF file of it`;
  throw unsupported(config.where, message);
}
