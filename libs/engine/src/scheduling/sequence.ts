import type { SamplingParams } from '../sampling/sampling-params.js';
import type { Penalties, TokenLogprobs } from '../sampling/sampling.js';
import type { OutputRow } from './forward-batch.js';

/** What happens to a sequence here: all of it, only its prompt, or only what follows a prompt computed elsewhere. */
export const SequenceKind = { GENERATE: 'generate', PREFILL: 'prefill', DECODE: 'decode' } as const;
export type SequenceKind = (typeof SequenceKind)[keyof typeof SequenceKind];

/** A prompt and its `choices` continuations: one prefill, then forks that share the prompt's full pages. */
export interface SequenceRequest {
  /** Unique among the engine's live requests. */
  readonly id: string;
  readonly kind: SequenceKind;
  readonly promptIds: readonly number[];
  readonly sampling: SamplingParams;
  /** Continuations [firstChoice, firstChoice + choices). */
  readonly firstChoice: number;
  readonly choices: number;
}

export const FinishReason = { STOP: 'stop', LENGTH: 'length' } as const;
export type FinishReason = (typeof FinishReason)[keyof typeof FinishReason];

/** One sampled token. `index` counts the generated ones from 0. */
export interface TokenEvent {
  readonly id: string;
  readonly choice: number;
  readonly index: number;
  readonly token: number;
  readonly finish: FinishReason | null;
  /** Where they were asked for. */
  readonly logprobs?: TokenLogprobs;
}

/** One line of tokens with its KV. */
export class Sequence {
  /** Prompt, then what was generated. */
  readonly tokens: number[];
  /** Pages of its KV, in order; this sequence holds one reference to each. */
  readonly pages: number[] = [];
  /** Tokens whose KV is in the pages. */
  computed = 0;
  /** KV reported ready so far (prefill), in tokens. */
  reported = 0;
  /** Ended while a batch with it was computing: freed when that batch is done. */
  dropped = false;

  constructor(
    readonly request: SequenceRequest,
    /** u32, another one whenever its KV starts anew. */
    public uid: number,
    /** Order of arrival: the youngest is retracted first. */
    readonly arrival: number,
    readonly choice: number,
    /** Continuations that its next sampled row gives: all of a prompt's, else one. */
    readonly forks: number,
    tokens: readonly number[] = request.promptIds,
  ) {
    this.tokens = [...tokens];
  }

  get generated(): number {
    return this.tokens.length - this.request.promptIds.length;
  }

  /** Tokens that the next steps have to compute; the last of them is sampled from. */
  get remaining(): number {
    return this.tokens.length - this.computed;
  }

  /** The outputs of its last row: one a continuation. @param banned tokens that must not be drawn now */
  outputs(row: number, banned: readonly number[]): OutputRow[] {
    const { temperature, topP, topK, minP, seed, logitBias, logprobs } = this.request.sampling;
    const shared = { temperature, topP, topK, minP, seed, logitBias, logprobs, banned, penalties: this.#penalties() };
    return Array.from({ length: this.forks }, (_, fork) => ({
      row,
      sampling: { ...shared, choice: this.choice + fork, index: this.generated },
    }));
  }

  #penalties(): Penalties | null {
    const {
      presencePenalty: presence,
      frequencyPenalty: frequency,
      repetitionPenalty: repetition,
    } = this.request.sampling;
    if (presence === 0 && frequency === 0 && repetition === 1) return null;
    const { promptIds } = this.request;
    const generated = new Int32Array(this.tokens.slice(promptIds.length));
    return { presence, frequency, repetition, prompt: new Int32Array(promptIds), generated };
  }
}
