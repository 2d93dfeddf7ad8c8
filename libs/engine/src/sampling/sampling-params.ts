/** How a request's tokens are drawn and when it ends. */
export interface SamplingParams {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  /** (0, 1] */
  readonly topP: number;
  /** 0 considers the whole vocabulary. */
  readonly topK: number;
  /** u32: same seed, same text, whatever else is in the batch. */
  readonly seed: number;
  readonly maxNewTokens: number;
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
}

export const GREEDY: SamplingParams = {
  temperature: 0,
  topP: 1,
  topK: 0,
  seed: 0,
  maxNewTokens: 128,
  stopTokenIds: [],
  ignoreEos: false,
};
