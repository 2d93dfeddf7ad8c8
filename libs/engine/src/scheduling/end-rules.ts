import type { SamplingParams } from '../sampling/sampling-params.js';
import { FinishReason, type Sequence } from './sequence.js';

/** When a sequence ends: at an end token, at the length it wants, or at what the engine holds. */
export class EndRules {
  constructor(
    private readonly eosTokenIds: readonly number[],
    /** Tokens that one sequence may have. */
    readonly maxTokens: number,
  ) {}

  /** Tokens that must not be drawn now: an end would come too early. */
  banned(sequence: Sequence): readonly number[] {
    const { sampling } = sequence.request;
    return sequence.generated < sampling.minTokens ? this.#endTokens(sampling) : [];
  }

  /** How the sequence ends with this next token; null when it goes on. */
  finishOf(sequence: Sequence, token: number): FinishReason | null {
    const { sampling } = sequence.request;
    if (sequence.generated >= sampling.minTokens && this.#endTokens(sampling).includes(token)) return FinishReason.STOP;
    const isLast = sequence.generated + 1 >= sampling.maxNewTokens || sequence.tokens.length + 1 >= this.maxTokens;
    return isLast ? FinishReason.LENGTH : null;
  }

  #endTokens({ ignoreEos, stopTokenIds }: SamplingParams): readonly number[] {
    return ignoreEos ? stopTokenIds : [...this.eosTokenIds, ...stopTokenIds];
  }
}
