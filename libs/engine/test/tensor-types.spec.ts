import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GgufFloat32, openModel, writeGguf, writeSafetensors, type GgufTensorSource } from '@sliceway/model';
import { mulberry32 } from '@sliceway/testing';
import { dequantizerOf, TENSOR_TYPE_NAMES } from '#engine/model/dequantize.js';
import { largestDifference, logitsOf } from './logits.fixture.js';
import { randomTensor } from './random-blocks.fixture.js';

/** One K block wide. */
const HIDDEN = 256;
const HEADS = 4;
const KV_HEADS = 2;
const KV_WIDTH = (HIDDEN / HEADS) * KV_HEADS;
const VOCAB = 96;
const METADATA = {
  'general.architecture': 'llama',
  'llama.block_count': 1,
  'llama.context_length': 64,
  'llama.embedding_length': HIDDEN,
  'llama.feed_forward_length': HIDDEN,
  'llama.attention.head_count': HEADS,
  'llama.attention.head_count_kv': KV_HEADS,
  'llama.attention.layer_norm_rms_epsilon': new GgufFloat32(1e-5),
};
const MATRICES: readonly (readonly [name: string, outputs: number])[] = [
  ['token_embd', VOCAB],
  ['blk.0.attn_q', HIDDEN],
  ['blk.0.attn_k', KV_WIDTH],
  ['blk.0.attn_v', KV_WIDTH],
  ['blk.0.attn_output', HIDDEN],
  ['blk.0.ffn_gate', HIDDEN],
  ['blk.0.ffn_up', HIDDEN],
  ['blk.0.ffn_down', HIDDEN],
  ['output', VOCAB],
];
const NORMS = ['blk.0.attn_norm', 'blk.0.ffn_norm', 'output_norm'];
const promptIds = Array.from({ length: 20 }, (_, i) => (5 + 31 * i) % VOCAB);
const positions = [0, 11, 19];

const folder = mkdtempSync(join(tmpdir(), 'sliceway-types-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, tensors: readonly GgufTensorSource[]): string {
  const path = join(folder, `${name}.gguf`);
  writeGguf(path, METADATA, tensors);
  return path;
}

/** A model whose matrix i is of the type `types[i % types.length]`; norms are F32 in every GGUF. */
function writeModel(name: string, types: readonly string[]): string {
  const random = mulberry32(3);
  const matrices = MATRICES.map(([matrix, outputs], i) =>
    randomTensor(`${matrix}.weight`, types[i % types.length]!, [HIDDEN, outputs], random),
  );
  const norms = NORMS.map((norm): GgufTensorSource => {
    const data = Float32Array.from({ length: HIDDEN }, () => 0.5 + random());
    return { name: `${norm}.weight`, type: 'F32', shape: [HIDDEN], data };
  });
  return write(name, [...matrices, ...norms]);
}

/** A model's tensors with all values as F32. */
function dequantized(path: string): GgufTensorSource[] {
  const model = openModel(path);
  const tensors = [...model.tensors.values()].map((tensor): GgufTensorSource => {
    const data = new Float32Array(tensor.shape.reduce((product, size) => product * size, 1));
    dequantizerOf(tensor.type, tensor.name)(model.readTensor(tensor), 0, data, 0, data.length);
    return { name: tensor.name, type: 'F32', shape: tensor.shape, data };
  });
  model.close();
  return tensors;
}

const cases = TENSOR_TYPE_NAMES.filter((type) => type !== 'F32').map((type) => [type, [type]] as const);

it.each([...cases, ['a mixture', TENSOR_TYPE_NAMES] as const])(
  'a model of %s gives the logits of its weights in F32, to the bit',
  async (name, types) => {
    const path = writeModel(name, types);
    const logits = await logitsOf(path, promptIds, positions);
    const expected = await logitsOf(write(`${name} in F32`, dequantized(path)), promptIds, positions);
    expect(largestDifference(logits, expected)).toBe(0);
    // Rows that differ, and by no infinity, show that the weights did something.
    const spread = largestDifference([logits[0]!], [logits[2]!]);
    expect(spread).toBeGreaterThan(0.1);
    expect(spread).toBeLessThan(1000);
  },
);

/** Hugging Face's name of a GGUF tensor here. */
const HUGGING_FACE_NAMES: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
  'blk.0.attn_norm': 'model.layers.0.input_layernorm',
  'blk.0.ffn_norm': 'model.layers.0.post_attention_layernorm',
  'blk.0.attn_q': 'model.layers.0.self_attn.q_proj',
  'blk.0.attn_k': 'model.layers.0.self_attn.k_proj',
  'blk.0.attn_v': 'model.layers.0.self_attn.v_proj',
  'blk.0.attn_output': 'model.layers.0.self_attn.o_proj',
  'blk.0.ffn_gate': 'model.layers.0.mlp.gate_proj',
  'blk.0.ffn_up': 'model.layers.0.mlp.up_proj',
  'blk.0.ffn_down': 'model.layers.0.mlp.down_proj',
};
const CONFIG = {
  model_type: 'llama',
  hidden_size: HIDDEN,
  intermediate_size: HIDDEN,
  num_hidden_layers: 1,
  num_attention_heads: HEADS,
  num_key_value_heads: KV_HEADS,
  vocab_size: VOCAB,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
};

function writeFolder(name: string, tensors: readonly GgufTensorSource[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), JSON.stringify(CONFIG));
  const renamed = tensors.map((tensor) => ({
    ...tensor,
    name: `${HUGGING_FACE_NAMES[tensor.name.replace('.weight', '')]}.weight`,
  }));
  writeSafetensors(join(path, 'model.safetensors'), renamed);
  return path;
}

it.each(['F16', 'BF16'])('safetensors of %s give the logits of their weights in F32, to the bit', async (type) => {
  const random = mulberry32(11);
  const tensors = [
    ...MATRICES.map(([name, outputs]) => randomTensor(`${name}.weight`, type, [HIDDEN, outputs], random)),
    ...NORMS.map((name) => randomTensor(`${name}.weight`, type, [HIDDEN], random)),
  ];
  const path = writeFolder(type, tensors);
  const logits = await logitsOf(path, promptIds, positions);
  const expected = await logitsOf(writeFolder(`${type} in F32`, dequantized(path)), promptIds, positions);
  expect(largestDifference(logits, expected)).toBe(0);
  expect(largestDifference([logits[0]!], [logits[2]!])).toBeGreaterThan(0.01);
});
