import type { GgufTensorSource } from '@sliceway/model';
import { type FamilyConfig, shapeOf } from './family-config.js';
import { mulberry32 } from './mulberry32.js';

/** A tensor of floats, named and laid out as Hugging Face has it; the shape is in ggml's order. */
export interface FamilyTensor extends GgufTensorSource {
  readonly data: Float32Array;
}

/** So that attention, and with it RoPE, decides much of a logit. */
const QUERY_KEY_GAIN = 4;

/** The weights that `libs/engine/test/reference/make-families-reference.py` makes for the same seed, in its order. */
export function familyWeights(config: FamilyConfig, seed: number): FamilyTensor[] {
  const random = mulberry32(seed);
  const { heads, kvHeads, headDim } = shapeOf(config);
  const { hidden_size: hidden, intermediate_size: ffn } = config;
  const tensors: FamilyTensor[] = [];
  const fill = (name: string, shape: readonly number[], make: (uniform: number) => number): void => {
    const length = shape.reduce((product, size) => product * size, 1);
    tensors.push({ name, type: 'F32', shape, data: Float32Array.from({ length }, () => make(2 * random() - 1)) });
  };
  const matrix = (name: string, inputs: number, outputs: number, { gain = 1, bias = false } = {}): void => {
    fill(`${name}.weight`, [inputs, outputs], (uniform) => (gain * uniform) / Math.sqrt(inputs));
    if (bias) fill(`${name}.bias`, [outputs], (uniform) => 0.5 * uniform);
  };
  const norm = (name: string): void => fill(`${name}.weight`, [hidden], (uniform) => 1 + 0.1 * uniform);

  const biased = config.attention_bias ?? false;
  const qkvBias = biased || config.model_type === 'qwen2';
  matrix('model.embed_tokens', hidden, config.vocab_size);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    norm(`${prefix}.input_layernorm`);
    matrix(`${prefix}.self_attn.q_proj`, hidden, heads * headDim, { gain: QUERY_KEY_GAIN, bias: qkvBias });
    matrix(`${prefix}.self_attn.k_proj`, hidden, kvHeads * headDim, { gain: QUERY_KEY_GAIN, bias: qkvBias });
    matrix(`${prefix}.self_attn.v_proj`, hidden, kvHeads * headDim, { bias: qkvBias });
    matrix(`${prefix}.self_attn.o_proj`, heads * headDim, hidden, { bias: biased });
    norm(`${prefix}.post_attention_layernorm`);
    matrix(`${prefix}.mlp.gate_proj`, hidden, ffn);
    matrix(`${prefix}.mlp.up_proj`, hidden, ffn);
    matrix(`${prefix}.mlp.down_proj`, ffn, hidden);
  }
  norm('model.norm');
  if (!config.tie_word_embeddings) matrix('lm_head', hidden, config.vocab_size);
  return tensors;
}
