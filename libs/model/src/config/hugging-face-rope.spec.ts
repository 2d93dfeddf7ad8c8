import { JsonObject } from '../json/json-object.js';
import { readHuggingFaceRope } from './hugging-face-rope.js';

const read = (config: Record<string, unknown>) => readHuggingFaceRope(new JsonObject('config.json', config), 4096);
const YARN = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 1024 };

describe('readHuggingFaceRope', () => {
  test.each([
    ['nothing', {}],
    ['nulls', { rope_theta: null, rope_scaling: null, rope_parameters: null }],
    ['empty objects', { rope_scaling: {}, rope_parameters: {} }],
    ['default', { rope_scaling: { type: 'default' } }],
  ])('%s is plain RoPE', (_, config) => {
    expect(read(config)).toEqual({ ropeTheta: 10_000, ropeScaling: null });
  });

  test('the base lies in the config (transformers 4) or with the scaling (5)', () => {
    expect(read({ rope_theta: 5e5 }).ropeTheta).toBe(5e5);
    expect(read({ rope_parameters: { rope_theta: 1e6, rope_type: 'default' } })).toEqual({
      ropeTheta: 1e6,
      ropeScaling: null,
    });
    expect(read({ rope_theta: 5e5, rope_parameters: { rope_theta: 1e6, rope_type: 'default' } }).ropeTheta).toBe(1e6);
  });

  test('linear, under its old key and the new one', () => {
    const ropeScaling = { kind: 'linear', factor: 2.5 };
    expect(read({ rope_scaling: { type: 'linear', factor: 2.5 } })).toMatchObject({ ropeScaling });
    expect(read({ rope_parameters: { rope_type: 'linear', factor: 2.5 } })).toMatchObject({ ropeScaling });
  });

  test("llama3's context is the config's unless it says otherwise", () => {
    const rope = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const ropeScaling = { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4 };
    expect(read({ rope_scaling: rope }).ropeScaling).toEqual({ ...ropeScaling, originalContextLength: 4096 });
    const config = { rope_scaling: { ...rope, original_max_position_embeddings: 512 } };
    expect(read(config).ropeScaling).toEqual({ ...ropeScaling, originalContextLength: 512 });
    expect(read({ ...config, original_max_position_embeddings: 256 }).ropeScaling).toEqual({
      ...ropeScaling,
      originalContextLength: 256,
    });
  });

  // The factors are what `_compute_yarn_parameters` of transformers 5.24 returns for these settings.
  test.each([
    ['the paper', {}, 1.138629436111989],
    ['no factor: from the lengths', { factor: null }, 1.138629436111989],
    ['a factor below 1', { factor: 0.5 }, 1],
    ['a factor of its own', { attention_factor: 0.75 }, 0.75],
    ["DeepSeek's mscales", { mscale: 0.707, mscale_all_dim: 1 }, 0.964326914892074],
    ['one mscale only', { mscale: 0.707 }, 1.138629436111989],
    ['a mscale of 0', { mscale: 0, mscale_all_dim: 1 }, 1.138629436111989],
  ])("yarn's attention factor: %s", (_, change, attentionFactor) => {
    const { ropeScaling } = read({ rope_scaling: { ...YARN, ...change } });
    expect(ropeScaling).toMatchObject({ kind: 'yarn', originalContextLength: 1024, betaFast: 32, betaSlow: 1 });
    expect((ropeScaling as { attentionFactor: number }).attentionFactor).toBeCloseTo(attentionFactor, 14);
  });

  test("yarn's betas", () => {
    const change = { beta_fast: 16, beta_slow: 2, truncate: true };
    expect(read({ rope_scaling: { ...YARN, ...change } }).ropeScaling).toMatchObject({ betaFast: 16, betaSlow: 2 });
  });

  test.each([
    ['dynamic', { type: 'dynamic', factor: 2 }, 'unsupported_architecture', /"dynamic" is not supported; use/],
    [
      'longrope',
      { rope_type: 'longrope', short_factor: [1] },
      'unsupported_architecture',
      /"longrope" is not supported/,
    ],
    ['yarn between dimensions', { ...YARN, truncate: false }, 'unsupported_architecture', /truncate is false/],
    ['layers of two kinds', { full_attention: { rope_type: 'default' } }, 'unsupported_architecture', /full_attention/],
    ['part of a head', { type: 'default', partial_rotary_factor: 0.25 }, 'unsupported_architecture', /is 0\.25/],
    ['linear without factor', { type: 'linear' }, 'missing_metadata', /rope_scaling: factor is missing/],
    ['a factor of 0', { type: 'linear', factor: 0 }, 'bad_metadata', /factor is 0, expected a positive number/],
    ['llama3 without ramp', { rope_type: 'llama3', factor: 8 }, 'missing_metadata', /low_freq_factor is missing/],
  ])('%s is refused', (_, rope, code, message) => {
    const refused = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => read({ rope_scaling: rope })).toThrow(refused);
  });
});
