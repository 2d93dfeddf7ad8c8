import { GgufFloat32, type GgufTensorSource, type GgufWritable } from '@sliceway/model';
import { type FamilyConfig, type RopeParameters, ropeOf, shapeOf } from './family-config.js';
import type { FamilyTensor } from './family-weights.js';
import { tinyVocabulary } from './tiny-vocabulary.js';

/** GGUF's names of what lies in a layer, and outside of layers. */
const NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** The metadata that llama.cpp's convert_hf_to_gguf.py writes for the config, with the tiny vocabulary. */
export function ggufMetadata(name: string, config: FamilyConfig): Record<string, GgufWritable> {
  const architecture = architectureOf(config);
  const { headDim } = shapeOf(config);
  const rope = ropeOf(config);
  const optional = {
    'attention.head_count_kv': config.num_key_value_heads,
    'attention.key_length': config.head_dim,
    'attention.value_length': config.head_dim,
    'rope.freq_base': float(rope.rope_theta),
    ...scalingMetadata(rope),
    ...(architecture === 'llama' ? { 'rope.dimension_count': headDim, vocab_size: config.vocab_size } : {}),
  };
  const values = {
    block_count: config.num_hidden_layers,
    context_length: config.max_position_embeddings,
    embedding_length: config.hidden_size,
    feed_forward_length: config.intermediate_size,
    'attention.head_count': config.num_attention_heads,
    'attention.layer_norm_rms_epsilon': float(config.rms_norm_eps),
    ...optional,
  };
  const metadata: Record<string, GgufWritable> = { 'general.architecture': architecture, 'general.name': name };
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) metadata[`${architecture}.${key}`] = value;
  }
  return { ...metadata, ...tinyVocabulary() };
}

/** The same tensors as the converter lays them down: a Llama's q and k interleaved, llama3's scaling as a tensor. */
export function ggufTensors(config: FamilyConfig, tensors: readonly FamilyTensor[]): GgufTensorSource[] {
  const { headDim } = shapeOf(config);
  const isLlama = architectureOf(config) === 'llama';
  const converted = tensors.map((tensor): GgufTensorSource => {
    const [, layer, part, kind] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(tensor.name)!;
    const name = `${layer === undefined ? '' : `blk.${layer}.`}${NAMES[part!]}.${kind}`;
    const data = isLlama && /[qk]_proj$/.test(part!) ? interleaved(tensor, headDim) : tensor.data;
    return { ...tensor, name, data };
  });
  const rope = ropeOf(config);
  if (rope.rope_type !== 'llama3') return converted;
  const factors = llama3Factors(rope, headDim);
  return [...converted, { name: 'rope_freqs.weight', type: 'F32', shape: [factors.length], data: factors }];
}

function architectureOf({ model_type }: FamilyConfig): string {
  return model_type === 'mistral' ? 'llama' : model_type;
}

function float(value: number | undefined): GgufFloat32 | undefined {
  return value === undefined ? undefined : new GgufFloat32(value);
}

function scalingMetadata(rope: RopeParameters): Record<string, GgufWritable | undefined> {
  const type = rope.rope_type ?? rope.type;
  if (type !== 'linear' && type !== 'yarn') return {};
  return {
    'rope.scaling.type': type,
    'rope.scaling.factor': float(rope.factor),
    'rope.scaling.original_context_length': rope.original_max_position_embeddings,
    'rope.scaling.yarn_beta_fast': float(rope.beta_fast),
    'rope.scaling.yarn_beta_slow': float(rope.beta_slow),
  };
}

/** Row i of a head's first half becomes its row 2i, that of the second half its row 2i + 1; `permute` of conversion/llama.py. */
function interleaved({ shape, data, name }: FamilyTensor, headDim: number): Float32Array {
  const width = name.endsWith('.bias') ? 1 : shape[0]!;
  const out = new Float32Array(data.length);
  for (let to = 0; to < data.length / width; to++) {
    const d = to % headDim;
    const from = to - d + (d % 2) * (headDim / 2) + (d >> 1);
    out.set(data.subarray(from * width, (from + 1) * width), to * width);
  }
  return out;
}

/** What each frequency is divided by; `generate_extra_tensors` of conversion/llama.py. */
function llama3Factors(rope: RopeParameters, headDim: number): Float32Array {
  const factor = rope.factor!;
  const low = rope.low_freq_factor!;
  const high = rope.high_freq_factor!;
  const original = rope.original_max_position_embeddings!;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * rope.rope_theta! ** ((2 * i) / headDim);
    if (wavelength < original / high) return 1;
    if (wavelength > original / low) return factor;
    const smooth = (original / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
