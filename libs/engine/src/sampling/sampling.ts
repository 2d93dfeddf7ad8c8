import type { SamplingParams } from './sampling-params.js';

/** How one token is drawn. */
export interface SamplingSpec extends Pick<
  SamplingParams,
  'temperature' | 'topP' | 'topK' | 'minP' | 'seed' | 'logitBias' | 'logprobs'
> {
  readonly choice: number;
  /** Position of the token among those generated, from 0. */
  readonly index: number;
  /** Tokens that must not be drawn. */
  readonly banned: readonly number[];
  readonly penalties: Penalties | null;
}

/** Penalties on tokens that were there before, and which those are. */
export interface Penalties {
  readonly presence: number;
  readonly frequency: number;
  readonly repetition: number;
  readonly prompt: Int32Array;
  readonly generated: Int32Array;
}

/** Natural logarithms of probabilities, of the model's own distribution: before temperature, penalties and bias. */
export interface TokenLogprobs {
  readonly logprob: number;
  /** The likeliest tokens, best first, the lower id first among equals. */
  readonly top: readonly { readonly token: number; readonly logprob: number }[];
}

export interface SampledToken {
  readonly token: number;
  /** Where they were asked for. */
  readonly logprobs?: TokenLogprobs;
}
