import { join } from 'node:path';
import { GgufFloat32, writeGguf, type GgufTensorSource } from '@sliceway/model';
import { mulberry32 } from './mulberry32.js';
import { BYTE_TOKENS, byteVocabulary, TINY_VOCAB_SIZE, tinyVocabulary } from './tiny-vocabulary.js';

export interface TinyModelOptions {
  readonly seed?: number;
  /** The special tokens of ChatML (ids 256 to 258) and some merged ones, or the 256 byte tokens only. Default true. */
  readonly specialTokens?: boolean;
}

/**
 * Writes a Llama of 0.1 M random weights (hidden 64, 2 layers, 4 heads on 2, FFN 128, context 512, F32) whose vocabulary is
 * the bytes and little more. Weights are uniform in [-1, 1) / sqrt(inputs), norms 1 + 0.1 of that, from one generator in file order: what
 * `libs/engine/test/reference/make-tiny-reference.py` makes for the same seed.
 *
 * @returns the file's path
 */
export function tinyModel(directory: string, { seed = 49, specialTokens = true }: TinyModelOptions = {}): string {
  const vocabSize = specialTokens ? TINY_VOCAB_SIZE : BYTE_TOKENS;
  const path = join(directory, `tiny-${seed}${specialTokens ? '' : '-bytes'}.gguf`);
  writeGguf(path, metadata(vocabSize), tensors(seed, vocabSize));
  return path;
}

function metadata(vocabSize: number) {
  return {
    'general.architecture': 'llama',
    'general.name': 'tiny',
    'llama.block_count': 2,
    'llama.context_length': 512,
    'llama.embedding_length': 64,
    'llama.feed_forward_length': 128,
    'llama.attention.head_count': 4,
    'llama.attention.head_count_kv': 2,
    'llama.attention.layer_norm_rms_epsilon': new GgufFloat32(1e-5),
    'llama.rope.freq_base': new GgufFloat32(10_000),
    'llama.rope.dimension_count': 16,
    'llama.vocab_size': vocabSize,
    ...(vocabSize > BYTE_TOKENS ? tinyVocabulary() : byteVocabulary()),
  };
}

function tensors(seed: number, vocabSize: number): GgufTensorSource[] {
  const random = mulberry32(seed);
  const uniform = (): number => 2 * random() - 1;
  const matrix = (name: string, inputs: number, outputs: number): GgufTensorSource => ({
    name: `${name}.weight`,
    type: 'F32',
    shape: [inputs, outputs],
    data: Float32Array.from({ length: inputs * outputs }, () => uniform() / Math.sqrt(inputs)),
  });
  const norm = (name: string): GgufTensorSource => ({
    name: `${name}.weight`,
    type: 'F32',
    shape: [64],
    data: Float32Array.from({ length: 64 }, () => 1 + 0.1 * uniform()),
  });
  const layer = (l: number): GgufTensorSource[] => [
    norm(`blk.${l}.attn_norm`),
    matrix(`blk.${l}.attn_q`, 64, 64),
    matrix(`blk.${l}.attn_k`, 64, 32),
    matrix(`blk.${l}.attn_v`, 64, 32),
    matrix(`blk.${l}.attn_output`, 64, 64),
    norm(`blk.${l}.ffn_norm`),
    matrix(`blk.${l}.ffn_gate`, 64, 128),
    matrix(`blk.${l}.ffn_up`, 64, 128),
    matrix(`blk.${l}.ffn_down`, 128, 64),
  ];
  return [
    matrix('token_embd', 64, vocabSize),
    ...layer(0),
    ...layer(1),
    norm('output_norm'),
    matrix('output', 64, vocabSize),
  ];
}
