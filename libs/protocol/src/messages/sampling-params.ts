import type { Parser } from './parser.js';
import { array, boolean, integer, nullable, number, object, tokenIds, tuple, u32 } from './parser.js';

/** How tokens are drawn and when a choice ends. Names and meanings are those of `@sliceway/engine`, which takes it as it is. */
export interface SamplingParams {
  /** At least 0; 0 takes the most likely token. */
  readonly temperature: number;
  /** In (0, 1]. */
  readonly topP: number;
  /** 0 considers the whole vocabulary. */
  readonly topK: number;
  /** In [0, 1]: leaves out tokens less likely than this share of the likeliest one's probability. */
  readonly minP: number;
  /** In [-2, 2]: taken from the logits of tokens generated before, once. */
  readonly presencePenalty: number;
  /** In [-2, 2]: taken from the logits of tokens generated before, once for each time. */
  readonly frequencyPenalty: number;
  /** In (0, 2]: weakens tokens of the prompt or generated before; 1 is none. */
  readonly repetitionPenalty: number;
  /** In [-100, 100], added to the logits of these tokens. */
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** u32: same seed, same tokens, whatever else is in the batch. */
  readonly seed: number;
  /** At least 1. */
  readonly maxNewTokens: number;
  /** Before so many tokens no end token or stop token is drawn. */
  readonly minTokens: number;
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  /** Each token comes with its log probability and those of this many likeliest ones, at most 20; null: with none. */
  readonly logprobs: number | null;
}

/** Draws from the model's own distribution, which nothing changes; 16 tokens are OpenAI's default. */
export const NEUTRAL_SAMPLING: SamplingParams = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionPenalty: 1,
  logitBias: [],
  seed: 0,
  maxNewTokens: 16,
  minTokens: 0,
  stopTokenIds: [],
  ignoreEos: false,
  logprobs: null,
};

function within(low: number, high: number): Parser<number> {
  return number(`in [${low}, ${high}]`, (value) => value >= low && value <= high);
}

/** A token id is checked against the vocabulary by the engine, which knows it. */
export const samplingParams = object<SamplingParams>({
  temperature: number('of at least 0', (value) => value >= 0),
  topP: number('in (0, 1]', (value) => value > 0 && value <= 1),
  topK: u32,
  minP: within(0, 1),
  presencePenalty: within(-2, 2),
  frequencyPenalty: within(-2, 2),
  repetitionPenalty: number('in (0, 2]', (value) => value > 0 && value <= 2),
  logitBias: array(tuple(u32, within(-100, 100))),
  seed: u32,
  maxNewTokens: integer(1, 0xffffffff),
  minTokens: u32,
  stopTokenIds: tokenIds,
  ignoreEos: boolean,
  logprobs: nullable(integer(0, 20)),
});
