import type { ModelConfig, RopeScaling } from '@sliceway/model';

/** How positions turn q and k: angle = position * frequency, cosine and sine times `magnitude`. */
export interface Rope {
  /** [headDim / 2], radians a position */
  readonly frequencies: Float64Array;
  readonly magnitude: number;
}

type Scaling<K extends RopeScaling['kind']> = Extract<RopeScaling, { kind: K }>;

/**
 * The rotary embedding of a model, as transformers computes it (modeling_rope_utils.py).
 * @param factors [headDim / 2] divisors of the frequencies, as GGUF's `rope_freqs.weight` has them
 */
export function ropeOf(config: ModelConfig, factors?: Float32Array): Rope {
  const half = config.headDim / 2;
  const plain = Float64Array.from({ length: half }, (_, i) => config.ropeTheta ** (-i / half) / (factors?.[i] ?? 1));
  const scaling = config.ropeScaling;
  switch (scaling?.kind) {
    case undefined:
      return { frequencies: plain, magnitude: 1 };
    case 'linear':
      return { frequencies: plain.map((f) => f / scaling.factor), magnitude: 1 };
    case 'llama3':
      return { frequencies: plain.map((f) => llama3(f, scaling)), magnitude: 1 };
    case 'yarn':
      return { frequencies: yarn(plain, config, scaling), magnitude: scaling.attentionFactor };
  }
}

function llama3(frequency: number, scaling: Scaling<'llama3'>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength } = scaling;
  const turns = (originalContextLength * frequency) / (2 * Math.PI);
  if (turns > high) return frequency;
  if (turns < low) return frequency / factor;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** Frequencies of fewer than `betaSlow` turns in the trained context are divided, those of more than `betaFast` kept. */
function yarn(plain: Float64Array, { headDim, ropeTheta }: ModelConfig, scaling: Scaling<'yarn'>): Float64Array {
  const { factor, originalContextLength, betaFast, betaSlow } = scaling;
  const dimensionOf = (turns: number): number =>
    (headDim * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const low = Math.max(0, Math.floor(dimensionOf(betaFast)));
  const high = Math.min(headDim - 1, Math.ceil(dimensionOf(betaSlow)));
  const width = Math.max(high - low, 0.001);
  return plain.map((frequency, i) => {
    const divided = Math.min(1, Math.max(0, (i - low) / width));
    return (divided * frequency) / factor + (1 - divided) * frequency;
  });
}
