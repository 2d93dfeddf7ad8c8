/** How one token is drawn. */
export interface SamplingSpec {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 considers the whole vocabulary. */
  readonly topK: number;
  /** u32 */
  readonly seed: number;
  readonly choice: number;
  /** Position of the token among those generated, from 0. */
  readonly index: number;
}
