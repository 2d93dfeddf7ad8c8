import type { Penalties, SamplingSpec } from './sampling.js';

export function adjustsLogits(spec: SamplingSpec): boolean {
  return spec.penalties !== null || spec.logitBias.length > 0 || spec.banned.length > 0;
}

/** Penalties, bias and bans, written into the logits: in time of the tokens named, not of the vocabulary. */
export class LogitAdjuster {
  /** By token: times generated, or COUNTED; all 0 between calls. */
  readonly #counts: Int32Array;

  constructor(vocabSize: number) {
    this.#counts = new Int32Array(vocabSize);
  }

  adjust(logits: Float32Array, spec: SamplingSpec): void {
    if (spec.penalties) this.#penalize(logits, spec.penalties);
    for (const [token, bias] of spec.logitBias) logits[token]! += bias;
    if (spec.banned.length > 0) ban(logits, spec.banned);
  }

  /**
   * Repetition counts the prompt, as vLLM and Transformers do (SGLang counts only what was generated); presence and
   * frequency do not, as everywhere.
   */
  #penalize(logits: Float32Array, { presence, frequency, repetition, prompt, generated }: Penalties): void {
    const counts = this.#counts;
    for (let i = 0; i < generated.length; i++) counts[generated[i]!]!++;
    for (let i = 0; i < generated.length; i++) {
      const token = generated[i]!;
      const times = counts[token]!;
      if (times === COUNTED) continue;
      logits[token] = repeated(logits[token]!, repetition) - frequency * times - presence;
      counts[token] = COUNTED;
    }
    if (repetition !== 1) {
      for (let i = 0; i < prompt.length; i++) {
        const token = prompt[i]!;
        if (counts[token] === COUNTED) continue;
        logits[token] = repeated(logits[token]!, repetition);
        counts[token] = COUNTED;
      }
      for (let i = 0; i < prompt.length; i++) counts[prompt[i]!] = 0;
    }
    for (let i = 0; i < generated.length; i++) counts[generated[i]!] = 0;
  }
}

const COUNTED = -1;

function repeated(logit: number, penalty: number): number {
  return logit > 0 ? logit / penalty : logit * penalty;
}

/** Ignores a ban that leaves no token: one that is banned is better than one that the model excludes. */
function ban(logits: Float32Array, banned: readonly number[]): void {
  const before = banned.map((token) => logits[token]!);
  for (const token of banned) logits[token] = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > -Infinity) return;
  for (const [i, token] of banned.entries()) logits[token] = before[i]!;
}
