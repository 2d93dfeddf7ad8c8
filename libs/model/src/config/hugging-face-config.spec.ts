import { JsonObject } from '../json/json-object.js';
import { TINY_CONFIG } from '../safetensors/folder-model.fixture.js';
import { readHuggingFaceConfig } from './hugging-face-config.js';

const read = (config: object) =>
  readHuggingFaceConfig(new JsonObject('config.json', config as Record<string, unknown>));

/** What decides about the shape in the files of the hub. */
const TINYLLAMA = {
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: 'silu',
  hidden_size: 2048,
  intermediate_size: 5632,
  max_position_embeddings: 2048,
  model_type: 'llama',
  num_attention_heads: 32,
  num_hidden_layers: 22,
  num_key_value_heads: 4,
  pretraining_tp: 1,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 10000.0,
  tie_word_embeddings: false,
  vocab_size: 32000,
};
const LLAMA_3_2_1B = {
  bos_token_id: 128000,
  eos_token_id: [128001, 128008, 128009],
  head_dim: 64,
  hidden_act: 'silu',
  hidden_size: 2048,
  intermediate_size: 8192,
  max_position_embeddings: 131072,
  mlp_bias: false,
  model_type: 'llama',
  num_attention_heads: 32,
  num_hidden_layers: 16,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    factor: 32.0,
    high_freq_factor: 4.0,
    low_freq_factor: 1.0,
    original_max_position_embeddings: 8192,
    rope_type: 'llama3',
  },
  rope_theta: 500000.0,
  tie_word_embeddings: true,
  vocab_size: 128256,
};
const MISTRAL_7B = {
  hidden_act: 'silu',
  hidden_size: 4096,
  intermediate_size: 14336,
  max_position_embeddings: 32768,
  model_type: 'mistral',
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 10000.0,
  sliding_window: 4096,
  tie_word_embeddings: false,
  vocab_size: 32000,
};
const QWEN2_5_0_5B = {
  hidden_act: 'silu',
  hidden_size: 896,
  intermediate_size: 4864,
  max_position_embeddings: 32768,
  max_window_layers: 24,
  model_type: 'qwen2',
  num_attention_heads: 14,
  num_hidden_layers: 24,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  sliding_window: 32768,
  tie_word_embeddings: true,
  use_mrope: false,
  use_sliding_window: false,
  vocab_size: 151936,
};

describe('readHuggingFaceConfig', () => {
  test('TinyLlama 1.1B', () => {
    expect(read(TINYLLAMA)).toEqual({
      architecture: 'llama',
      layers: 22,
      hidden: 2048,
      heads: 32,
      kvHeads: 4,
      headDim: 64,
      ffn: 5632,
      vocabSize: 32000,
      contextLength: 2048,
      ropeTheta: 10_000,
      ropeScaling: null,
      ropeInterleaved: false,
      rmsEps: 1e-5,
    });
  });

  test('Llama 3.2 1B', () => {
    expect(read(LLAMA_3_2_1B)).toMatchObject({
      kvHeads: 8,
      headDim: 64,
      contextLength: 131_072,
      ropeTheta: 500_000,
      ropeScaling: {
        kind: 'llama3',
        factor: 32,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContextLength: 8192,
      },
    });
  });

  test('Mistral 7B is a llama whose context its window cuts', () => {
    expect(read(MISTRAL_7B)).toMatchObject({ architecture: 'llama', headDim: 128, kvHeads: 8, contextLength: 4096 });
    expect(read({ ...MISTRAL_7B, sliding_window: null }).contextLength).toBe(32_768);
    expect(read({ ...MISTRAL_7B, sliding_window: undefined }).contextLength).toBe(32_768);
    expect(read({ ...MISTRAL_7B, sliding_window: 65_536 }).contextLength).toBe(32_768);
  });

  test('Qwen2.5 0.5B, whose window is not in use', () => {
    const expected = { architecture: 'qwen2', kvHeads: 2, headDim: 64, ropeTheta: 1_000_000, contextLength: 32_768 };
    expect(read(QWEN2_5_0_5B)).toMatchObject(expected);
    expect(read({ ...QWEN2_5_0_5B, sliding_window: 4096 }).contextLength).toBe(32_768);
  });

  test.each([
    ['no layer beyond the first 24', {}, 32_768],
    ['layers from 23 on', { max_window_layers: 23 }, 4096],
    ['layers that are named', { layer_types: ['full_attention', 'sliding_attention'] }, 4096],
    ['no layer of those named', { layer_types: ['full_attention'], max_window_layers: 0 }, 32_768],
  ])("qwen2's window in %s", (_, change, contextLength) => {
    const config = { ...QWEN2_5_0_5B, use_sliding_window: true, sliding_window: 4096, ...change };
    expect(read(config).contextLength).toBe(contextLength);
  });

  // What vLLM derives from the same settings.
  test.each([
    ["yarn as on Qwen2.5's card", { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32_768 }, 131_072],
    [
      'yarn whose config has the long one',
      { type: 'yarn', factor: 2, original_max_position_embeddings: 16_384 },
      32_768,
    ],
    ['yarn of less than the config has', { type: 'yarn', factor: 2, original_max_position_embeddings: 8_192 }, 32_768],
    ['linear', { type: 'linear', factor: 2.5 }, 81_920],
    ['default', { rope_type: 'default' }, 32_768],
  ])('the context of %s', (_, rope_scaling, contextLength) => {
    expect(read({ ...QWEN2_5_0_5B, rope_scaling }).contextLength).toBe(contextLength);
    const window = { use_sliding_window: true, sliding_window: 4096, max_window_layers: 0 };
    expect(read({ ...QWEN2_5_0_5B, ...window, rope_scaling }).contextLength).toBe(4096);
  });

  test('what a config leaves out is as in transformers', () => {
    const { num_key_value_heads: _kv, rms_norm_eps: _eps, sliding_window: _window, ...mistral } = MISTRAL_7B;
    expect(read(mistral)).toMatchObject({ kvHeads: 8, rmsEps: 1e-6, contextLength: 4096 });
    expect(read({ ...mistral, num_key_value_heads: null }).kvHeads).toBe(32);
    const { num_key_value_heads: _, ...llama } = TINYLLAMA;
    expect(read(llama).kvHeads).toBe(32);
    expect(read({ ...TINYLLAMA, head_dim: 32 }).headDim).toBe(32);
    expect(read({ ...TINYLLAMA, head_dim: null }).headDim).toBe(64);
  });

  test.each([
    ['another family', { model_type: 'gpt2' }, 'unsupported_architecture', /"gpt2" is not supported; use a llama/],
    ['an inherited name', { model_type: 'constructor' }, 'unsupported_architecture', /"constructor" is not supported/],
    ['another activation', { hidden_act: 'gelu' }, 'unsupported_architecture', /hidden_act "gelu"/],
    [
      'quantized weights',
      { quantization_config: { quant_method: 'awq' } },
      'unsupported_architecture',
      /awq.*GGUF file/,
    ],
    [
      'half of a head rotated',
      { partial_rotary_factor: 0.5 },
      'unsupported_architecture',
      /partial_rotary_factor is 0\.5/,
    ],
    ['no width', { hidden_size: undefined }, 'missing_metadata', /hidden_size is missing/],
    ['a width in words', { hidden_size: 'four' }, 'bad_metadata', /hidden_size is "four", expected a number/],
    ['no layers', { num_hidden_layers: 0 }, 'bad_metadata', /layers is 0/],
    ['half a layer', { num_hidden_layers: 0.5 }, 'bad_metadata', /layers is 0\.5/],
    ['heads that do not divide the width', { num_attention_heads: 3 }, 'bad_metadata', /headDim is 1\.3/],
    ['KV heads that do not divide the heads', { num_key_value_heads: 2 }, 'bad_metadata', /1 heads cannot share 2 KV/],
    ['an odd head', { head_dim: 3 }, 'bad_metadata', /head dimension 3 is odd/],
    ['no epsilon', { rms_norm_eps: 0 }, 'bad_metadata', /rmsEps is 0/],
  ])('%s is refused', (_, change, code, message) => {
    const refused = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => read({ ...TINY_CONFIG, ...change })).toThrow(refused);
    expect(() => read({ ...TINY_CONFIG, ...change })).toThrow('config.json');
  });
});
