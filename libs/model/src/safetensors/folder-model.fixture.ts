import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GgufTensorSource } from '../gguf/gguf-writer.js';
import { writeSafetensors } from './write-safetensors.js';

/** The smallest llama: one layer, one head. */
export const TINY_CONFIG = {
  model_type: 'llama',
  hidden_size: 4,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  max_position_embeddings: 64,
  vocab_size: 3,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
};

const TINY_SHAPES: Readonly<Record<string, readonly number[]>> = {
  'model.embed_tokens.weight': [4, 3],
  'model.layers.0.input_layernorm.weight': [4],
  'model.layers.0.self_attn.q_proj.weight': [4, 4],
  'model.layers.0.self_attn.k_proj.weight': [4, 4],
  'model.layers.0.self_attn.v_proj.weight': [4, 4],
  'model.layers.0.self_attn.o_proj.weight': [4, 4],
  'model.layers.0.post_attention_layernorm.weight': [4],
  'model.layers.0.mlp.gate_proj.weight': [4, 6],
  'model.layers.0.mlp.up_proj.weight': [4, 6],
  'model.layers.0.mlp.down_proj.weight': [6, 4],
  'model.norm.weight': [4],
  'lm_head.weight': [4, 3],
};

/** Tensors of {@link TINY_CONFIG}; the values of each are 0, 1, 2, … */
export const TINY_TENSORS: readonly GgufTensorSource[] = Object.entries(TINY_SHAPES).map(([name, shape]) => ({
  name,
  type: 'F32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
}));

/** Writes `files` into a folder: tensors as safetensors, anything else as JSON, or as it is if it is a text. */
export function writeFolder(folder: string, files: Readonly<Record<string, unknown>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (name.endsWith('.safetensors') && Array.isArray(content)) writeSafetensors(path, content as GgufTensorSource[]);
    else writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}
