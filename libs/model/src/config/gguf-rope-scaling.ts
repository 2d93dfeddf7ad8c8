import type { GgufFile } from '../gguf/gguf-file.js';
import type { RopeScaling } from '../model-config.js';
import { bad, unsupported } from './refuse.js';
import { yarnAttentionFactor } from './yarn.js';

/**
 * Reads `<architecture>.rope.scaling.*` as llama.cpp does for llama and qwen2 (src/llama-model.cpp and llama_context in
 * src/llama-context.cpp): a factor without a type is linear, `none` ignores the factor, and yarn's cosines are multiplied by
 * `attn_factor` times 0.1 ln(factor) + 1. Unlike llama.cpp it takes yarn's betas from the file, too: the model was trained
 * with them.
 *
 * @throws ModelFileError (unsupported_architecture, bad_metadata)
 */
export function readGgufRopeScaling(file: GgufFile, architecture: string, contextLength: number): RopeScaling | null {
  const keyOf = (key: string): string => `${architecture}.rope.${key}`;
  const kind = file.findString(keyOf('scaling.type')) ?? 'linear';
  const factor = file.findNumber(keyOf('scaling.factor')) ?? file.findNumber(keyOf('scale_linear')) ?? 0;
  const attnFactor = file.findNumber(keyOf('scaling.attn_factor')) ?? 1;
  if (!(factor >= 0 && factor < Infinity)) throw bad(file.path, `${keyOf('scaling.factor')} is ${factor}`);
  if (kind === 'yarn') {
    const stretch = factor === 0 ? 1 : factor;
    return {
      kind: 'yarn',
      factor: stretch,
      originalContextLength: file.findNumber(keyOf('scaling.original_context_length')) ?? contextLength,
      betaFast: file.findNumber(keyOf('scaling.yarn_beta_fast')) ?? 32,
      betaSlow: file.findNumber(keyOf('scaling.yarn_beta_slow')) ?? 1,
      attentionFactor: attnFactor * yarnAttentionFactor(stretch),
    };
  }
  if (kind !== 'none' && kind !== 'linear') {
    throw unsupported(
      file.path,
      `${keyOf('scaling.type')} "${kind}" is not supported; use a model with none, linear or yarn`,
    );
  }
  if (attnFactor !== 1) {
    throw unsupported(file.path, `${keyOf('scaling.attn_factor')} is ${attnFactor}; it is supported with yarn only`);
  }
  return kind === 'none' || factor === 0 || factor === 1 ? null : { kind: 'linear', factor };
}
