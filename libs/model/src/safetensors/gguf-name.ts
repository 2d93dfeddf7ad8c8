const WHOLE_NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
};

const LAYER_PARTS: Readonly<Record<string, string>> = {
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

const LAYER_TENSOR = /^model\.layers\.(0|[1-9]\d*)\.(.+)\.(weight|bias)$/;

/** GGUF's name of a tensor of a Hugging Face llama; names that llama has not stay as they are. */
export function ggufName(name: string): string {
  if (Object.hasOwn(WHOLE_NAMES, name)) return WHOLE_NAMES[name]!;
  const [, layer, part = '', kind] = LAYER_TENSOR.exec(name) ?? [];
  return Object.hasOwn(LAYER_PARTS, part) ? `blk.${layer}.${LAYER_PARTS[part]}.${kind}` : name;
}

/** Old checkpoints have the rotary frequencies, which follow from the config, as a tensor. */
export function isDerivedTensor(name: string): boolean {
  return name.endsWith('.rotary_emb.inv_freq');
}
