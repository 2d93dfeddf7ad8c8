/** How the model stretches its rotary frequencies beyond the context that it was trained with. */
export type RopeScaling =
  /** All frequencies divided by `factor`. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContextLength: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContextLength: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Cosines and sines are multiplied by it. */
      readonly attentionFactor: number;
    };

/** The shape of a transformer of the Llama family, whatever file it comes from. */
export interface ModelConfig {
  /** `mistral` is a `llama`. */
  readonly architecture: 'llama' | 'qwen2';
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ffn: number;
  readonly vocabSize: number;
  /** Tokens; a sliding window that is shorter than the trained context cuts it. */
  readonly contextLength: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  /** Rows 2i and 2i+1 of a head of q and k are a rotated pair (GGUF's llama), instead of i and i + headDim/2. */
  readonly ropeInterleaved: boolean;
  readonly rmsEps: number;
}
