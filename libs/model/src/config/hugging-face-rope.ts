import type { JsonObject } from '../json/json-object.js';
import type { RopeScaling } from '../model-config.js';
import { unsupported } from './refuse.js';
import { yarnAttentionFactor } from './yarn.js';

/** `default_theta` of transformers. */
const DEFAULT_THETA = 10_000;

export interface RopeSettings {
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
}

/**
 * Reads `rope_scaling` (to transformers 4) or `rope_parameters` (from 5) as `RotaryEmbeddingConfigMixin` does; what is not in
 * there comes from the config itself.
 *
 * @throws ModelFileError (unsupported_architecture, missing_metadata, bad_metadata)
 */
export function readHuggingFaceRope(config: JsonObject, contextLength: number): RopeSettings {
  const rope = findNonEmpty(config, 'rope_scaling') ?? findNonEmpty(config, 'rope_parameters');
  const ropeTheta = rope?.findNumber('rope_theta') ?? config.findNumber('rope_theta') ?? DEFAULT_THETA;
  const partial = rope?.findNumber('partial_rotary_factor') ?? config.findNumber('partial_rotary_factor') ?? 1;
  if (partial !== 1)
    throw unsupported(config.where, `partial_rotary_factor is ${partial}; only whole heads are rotated here`);
  if (!rope) return { ropeTheta, ropeScaling: null };
  const nested = rope.keys.find((key) => typeof rope.find(key) === 'object' && !Array.isArray(rope.find(key)));
  if (nested !== undefined)
    throw unsupported(rope.where, `${nested} has settings of its own; use a model whose layers are alike`);
  const originalContextLength =
    config.findNumber('original_max_position_embeddings') ??
    rope.findNumber('original_max_position_embeddings') ??
    contextLength;
  return { ropeTheta, ropeScaling: readScaling(rope, originalContextLength, contextLength) };
}

/**
 * The context that a model has once its frequencies are stretched, as vLLM derives it (`_get_and_verify_max_len`).
 * `max_position_embeddings` is the length before that with linear and after it with llama3; with yarn it may be either, and
 * the original length is in the file beside it.
 */
export function stretchedLength(contextLength: number, scaling: RopeScaling | null): number {
  if (scaling?.kind !== 'linear' && scaling?.kind !== 'yarn') return contextLength;
  const original = scaling.kind === 'yarn' ? scaling.originalContextLength : contextLength;
  return Math.max(contextLength, Math.floor(original * scaling.factor));
}

function readScaling(rope: JsonObject, originalContextLength: number, contextLength: number): RopeScaling | null {
  const kind = rope.findString('rope_type') ?? rope.findString('type') ?? 'default';
  switch (kind) {
    case 'default':
      return null;
    case 'linear':
      return { kind, factor: positive(rope, 'factor') };
    case 'llama3':
      return {
        kind,
        factor: positive(rope, 'factor'),
        lowFrequencyFactor: positive(rope, 'low_freq_factor'),
        highFrequencyFactor: positive(rope, 'high_freq_factor'),
        originalContextLength,
      };
    case 'yarn':
      return readYarn(rope, originalContextLength, contextLength);
    default:
      throw unsupported(
        rope.where,
        `rope type "${kind}" is not supported; use a model with default, linear, llama3 or yarn`,
      );
  }
}

/** `_compute_yarn_parameters` of transformers; 0 means absent there, too. */
function readYarn(rope: JsonObject, originalContextLength: number, contextLength: number): RopeScaling {
  if (rope.findBoolean('truncate') === false) {
    throw unsupported(rope.where, 'truncate is false; yarn is computed between whole dimensions here');
  }
  const factor = rope.find('factor') === undefined ? contextLength / originalContextLength : positive(rope, 'factor');
  const mscale = rope.findNumber('mscale');
  const mscaleAllDim = rope.findNumber('mscale_all_dim');
  const inferred =
    mscale && mscaleAllDim
      ? yarnAttentionFactor(factor, mscale) / yarnAttentionFactor(factor, mscaleAllDim)
      : yarnAttentionFactor(factor);
  return {
    kind: 'yarn',
    factor,
    originalContextLength,
    betaFast: rope.findNumber('beta_fast') || 32,
    betaSlow: rope.findNumber('beta_slow') || 1,
    attentionFactor: rope.findNumber('attention_factor') ?? inferred,
  };
}

function findNonEmpty(config: JsonObject, key: string): JsonObject | undefined {
  const found = config.findObject(key);
  return found && found.keys.length > 0 ? found : undefined;
}

function positive(rope: JsonObject, key: string): number {
  const value = rope.getNumber(key);
  if (value > 0) return value;
  throw rope.badType(key, 'a positive number');
}
