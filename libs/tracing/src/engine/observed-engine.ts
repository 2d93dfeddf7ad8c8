/** What a trace needs to know of an engine's batch: shaped as the engine has it, which this library does not import. */
export interface ObservedBatch {
  readonly forward: {
    readonly bid: number;
    readonly tokenIds: { readonly length: number };
    readonly runs: readonly ObservedRun[];
  };
  /** Whose runs these are, in the same order. */
  readonly sequences: readonly ObservedSequence[];
  readonly retracted: readonly ObservedSequence[];
}

/** Tokens [position, position + tokens) of a sequence. */
export interface ObservedRun {
  readonly tokens: number;
  readonly position: number;
}

export interface ObservedSequence {
  readonly request: { readonly id: string; readonly promptIds: { readonly length: number } };
  readonly choice: number;
}

/** When a forward was computed: nanoseconds of `process.hrtime`. */
export interface ObservedForward {
  readonly startNs: number;
  readonly endNs: number;
}

export interface ObservedToken {
  readonly id: string;
  readonly choice: number;
  /** Generated ones count from 0, the prompt's own. */
  readonly index: number;
  readonly finish: string | null;
}
