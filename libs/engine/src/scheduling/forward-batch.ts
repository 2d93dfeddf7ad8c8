import type { SampledToken, SamplingSpec } from '../sampling/sampling.js';

/** One forward of the model: ragged runs of tokens, one run a sequence, rows one after the other. */
export interface ForwardBatch {
  readonly bid: number;
  /** [tokens] */
  readonly tokenIds: Int32Array;
  readonly runs: readonly TokenRun[];
  /** What to sample after the forward, in order. */
  readonly outputs: readonly OutputRow[];
  /** Report finished layers while computing, so that their KV can leave early. */
  readonly reportLayers: boolean;
}

/** Tokens [position, position + tokens) of a sequence, whose KV lies in `pages`. */
export interface TokenRun {
  /** Unique among all sequences of the engine, so that a runner may keep what it knows of one. */
  readonly sequence: number;
  readonly firstRow: number;
  readonly tokens: number;
  readonly position: number;
  readonly pages: Int32Array;
}

export interface OutputRow {
  readonly row: number;
  readonly sampling: SamplingSpec;
}

export interface ForwardResult {
  readonly bid: number;
  /** [outputs] */
  readonly sampled: readonly SampledToken[];
  readonly startNs: number;
  readonly endNs: number;
  /** Tensors alive in the backend after the step. */
  readonly tensors: number;
}
