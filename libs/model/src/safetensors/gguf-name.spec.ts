import { ggufName, isDerivedTensor } from './gguf-name.js';

describe('ggufName', () => {
  test.each([
    ['model.embed_tokens.weight', 'token_embd.weight'],
    ['model.norm.weight', 'output_norm.weight'],
    ['lm_head.weight', 'output.weight'],
    ['model.layers.0.input_layernorm.weight', 'blk.0.attn_norm.weight'],
    ['model.layers.9.self_attn.q_proj.weight', 'blk.9.attn_q.weight'],
    ['model.layers.10.self_attn.q_proj.bias', 'blk.10.attn_q.bias'],
    ['model.layers.1.self_attn.k_proj.bias', 'blk.1.attn_k.bias'],
    ['model.layers.1.self_attn.v_proj.bias', 'blk.1.attn_v.bias'],
    ['model.layers.1.self_attn.o_proj.weight', 'blk.1.attn_output.weight'],
    ['model.layers.1.post_attention_layernorm.weight', 'blk.1.ffn_norm.weight'],
    ['model.layers.1.mlp.gate_proj.weight', 'blk.1.ffn_gate.weight'],
    ['model.layers.1.mlp.up_proj.weight', 'blk.1.ffn_up.weight'],
    ['model.layers.1.mlp.down_proj.weight', 'blk.1.ffn_down.weight'],
  ])('%s', (name, expected) => {
    expect(ggufName(name)).toBe(expected);
  });

  test.each([
    'model.layers.0.self_attn.q_norm.weight',
    'model.layers.00.input_layernorm.weight',
    'model.layers.0.constructor.weight',
    'model.layers.0.mlp.experts.0.gate_proj.weight',
    'lm_head.bias',
    'toString',
    'embed_tokens.weight',
  ])('%s stays, to be refused by name', (name) => {
    expect(ggufName(name)).toBe(name);
  });
});

test('frequencies of RoPE are no weights', () => {
  expect(isDerivedTensor('model.layers.0.self_attn.rotary_emb.inv_freq')).toBe(true);
  expect(isDerivedTensor('model.layers.0.self_attn.o_proj.weight')).toBe(false);
});
