import { boolean, integer, number, object, tokenIds, u32 } from './parser.js';

/** How tokens are drawn and when a choice ends. */
export interface SamplingParams {
  /** At least 0; 0 takes the most likely token. */
  readonly temperature: number;
  /** In (0, 1]. */
  readonly topP: number;
  /** 0 considers the whole vocabulary. */
  readonly topK: number;
  /** u32: same seed, same tokens, whatever else is in the batch. */
  readonly seed: number;
  /** At least 1. */
  readonly maxNewTokens: number;
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
}

export const samplingParams = object<SamplingParams>({
  temperature: number('of at least 0', (value) => value >= 0),
  topP: number('in (0, 1]', (value) => value > 0 && value <= 1),
  topK: u32,
  seed: u32,
  maxNewTokens: integer(1, 0xffffffff),
  stopTokenIds: tokenIds,
  ignoreEos: boolean,
});
