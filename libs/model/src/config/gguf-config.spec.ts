import { temporaryFolder, writeAndOpen } from '../gguf/temporary-gguf.fixture.js';
import { GgufFloat32, type GgufWritable } from '../gguf/write-value.js';
import type { ModelConfig } from '../model-config.js';
import { readGgufConfig } from './gguf-config.js';

const folder = temporaryFolder();
const EMBEDDING = { name: 'token_embd.weight', type: 'F32', shape: [8, 5], data: new Float32Array(40) };

const shapeOf = (architecture: string): Record<string, GgufWritable> => ({
  'general.architecture': architecture,
  [`${architecture}.block_count`]: 2,
  [`${architecture}.context_length`]: 128,
  [`${architecture}.embedding_length`]: 8,
  [`${architecture}.feed_forward_length`]: 12,
  [`${architecture}.attention.head_count`]: 4,
  [`${architecture}.attention.layer_norm_rms_epsilon`]: 0.5,
});
const LLAMA = shapeOf('llama');

function read(metadata: Record<string, GgufWritable>, tensors = [EMBEDDING]): ModelConfig {
  const file = writeAndOpen(folder, metadata, tensors);
  file.close();
  return readGgufConfig(file);
}

describe('readGgufConfig', () => {
  test('a llama, with the defaults of llama.cpp', () => {
    expect(read(LLAMA)).toEqual({
      architecture: 'llama',
      layers: 2,
      hidden: 8,
      heads: 4,
      kvHeads: 4,
      headDim: 2,
      ffn: 12,
      vocabSize: 5,
      contextLength: 128,
      ropeTheta: 10_000,
      ropeScaling: null,
      ropeInterleaved: true,
      rmsEps: 0.5,
    });
  });

  test('a qwen2, whose rotated pairs are halves of a head', () => {
    const change = { 'qwen2.attention.head_count_kv': 2, 'qwen2.rope.freq_base': new GgufFloat32(1e6) };
    expect(read({ ...shapeOf('qwen2'), ...change })).toMatchObject({
      architecture: 'qwen2',
      kvHeads: 2,
      ropeTheta: 1e6,
      ropeInterleaved: false,
    });
  });

  test('heads that are wider than their share', () => {
    const change = {
      'llama.attention.key_length': 4,
      'llama.attention.value_length': 4,
      'llama.rope.dimension_count': 4,
    };
    expect(read({ ...LLAMA, ...change }).headDim).toBe(4);
  });

  const scaled = (scaling: Record<string, GgufWritable>) =>
    read({
      ...LLAMA,
      ...Object.fromEntries(Object.entries(scaling).map(([key, value]) => [`llama.rope.${key}`, value])),
    }).ropeScaling;

  test.each([
    ['a factor alone', { 'scaling.factor': 4 }, { kind: 'linear', factor: 4 }],
    ['its old name', { scale_linear: 4 }, { kind: 'linear', factor: 4 }],
    ['linear', { 'scaling.type': 'linear', 'scaling.factor': 2 }, { kind: 'linear', factor: 2 }],
    ['linear by 1', { 'scaling.type': 'linear', 'scaling.factor': 1 }, null],
    ['none, whatever the factor', { 'scaling.type': 'none', 'scaling.factor': 2 }, null],
  ])('scaling: %s', (_, scaling, expected) => {
    expect(scaled(scaling)).toEqual(expected);
  });

  test('yarn as llama.cpp computes it', () => {
    const yarn = { 'scaling.type': 'yarn', 'scaling.factor': 4 };
    const expected = { kind: 'yarn', factor: 4, betaFast: 32, betaSlow: 1 };
    const attentionFactor = expect.closeTo(1 + 0.1 * Math.log(4), 14);
    expect(scaled(yarn)).toEqual({ ...expected, originalContextLength: 128, attentionFactor });
    const half = expect.closeTo((1 + 0.1 * Math.log(4)) / 2, 14);
    expect(scaled({ ...yarn, 'scaling.original_context_length': 32, 'scaling.attn_factor': 0.5 })).toEqual({
      ...expected,
      originalContextLength: 32,
      attentionFactor: half,
    });
  });

  test.each([
    [
      'another architecture',
      { 'general.architecture': 'gemma' },
      'unsupported_architecture',
      /"gemma" is not supported/,
    ],
    ['experts', { 'llama.expert_count': 8 }, 'unsupported_architecture', /llama\.expert_count is 8/],
    ['a part of a split model', { 'split.count': 3 }, 'unsupported_architecture', /one of 3 parts.*--merge/],
    ['part of a head rotated', { 'llama.rope.dimension_count': 1 }, 'unsupported_architecture', /count is 1, the head/],
    ['keys longer than values', { 'llama.attention.value_length': 4 }, 'unsupported_architecture', /value_length is 4/],
    ['another scaling', { 'llama.rope.scaling.type': 'longrope' }, 'unsupported_architecture', /"longrope"/],
    [
      'a factor for cosines',
      { 'llama.rope.scaling.attn_factor': 0.5 },
      'unsupported_architecture',
      /attn_factor is 0\.5/,
    ],
    ['a negative factor', { 'llama.rope.scaling.factor': -1 }, 'bad_metadata', /factor is -1/],
    [
      'KV heads per layer',
      { 'llama.attention.head_count_kv': Int32Array.of(1, 2) },
      'bad_metadata',
      /head_count_kv is/,
    ],
    ['no layers', { 'llama.block_count': 0 }, 'bad_metadata', /layers is 0/],
    ['three KV heads for four', { 'llama.attention.head_count_kv': 3 }, 'bad_metadata', /4 heads cannot share 3/],
  ])('%s: refused', (_, change, code, message) => {
    const refused = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => read({ ...LLAMA, ...(change as Record<string, GgufWritable>) })).toThrow(refused);
  });

  test.each(Object.keys(LLAMA))('%s must be there', (key) => {
    const { [key]: _, ...rest } = LLAMA;
    expect(() => read(rest)).toThrow(
      expect.objectContaining({ code: 'missing_metadata', message: expect.stringContaining(`${key} is missing`) }),
    );
  });

  test('so must the embedding', () => {
    expect(() => read(LLAMA, [])).toThrow(expect.objectContaining({ code: 'missing_tensor' }));
  });
});
