/** How a request's tokens are drawn and when it ends; names and meanings are SGLang's and OpenAI's. */
export interface SamplingParams {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  /** (0, 1] */
  readonly topP: number;
  /** 0 considers the whole vocabulary. */
  readonly topK: number;
  /** [0, 1]: leaves out tokens less likely than this share of the likeliest one's probability. */
  readonly minP: number;
  /** [-2, 2]: taken from the logits of tokens that were generated before, once. */
  readonly presencePenalty: number;
  /** [-2, 2]: taken from the logits of tokens that were generated before, once for each time. */
  readonly frequencyPenalty: number;
  /** (0, 2]: positive logits of tokens in the prompt or generated before are divided by it, others multiplied. 1 is none. */
  readonly repetitionPenalty: number;
  /** Added to the logits of these tokens. */
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** u32: same seed, same text, whatever else is in the batch. */
  readonly seed: number;
  readonly maxNewTokens: number;
  /** Before so many tokens no end token or stop token is drawn. */
  readonly minTokens: number;
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  /** Reports each token's log probability and those of this many likeliest ones; null reports none. */
  readonly logprobs: number | null;
}

export const GREEDY: SamplingParams = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionPenalty: 1,
  logitBias: [],
  seed: 0,
  maxNewTokens: 128,
  minTokens: 0,
  stopTokenIds: [],
  ignoreEos: false,
  logprobs: null,
};
