import type { ChoiceEnd, TextPiece, Usage } from './completion-sink.js';
import type { GatheredChoice } from './gathered-choice.js';

/** All of an answer, for an API that writes it in one piece. */
export interface GatheredAnswer {
  readonly fingerprint: string;
  /** Token ids of each prompt. */
  readonly prompts: readonly (readonly number[])[];
  /** Text of each prompt; null where the request does without. */
  readonly promptTexts: readonly (string | null)[];
  /** All choices of the first prompt, then those of the second. */
  readonly choices: readonly GatheredChoice[];
  readonly usage: Usage;
}

/** The object that is the whole answer. */
export type WholeFormat = (answer: GatheredAnswer) => object;

/**
 * The events of one streamed answer, as JSON; choices are counted through all prompts, and come with their prompt's
 * text or token ids. Null sends nothing.
 */
export interface StreamFormat {
  /** Before a choice's first event. */
  begin(choice: number, promptText: string | null): string | null;
  piece(choice: number, piece: TextPiece, promptIds: readonly number[]): string | null;
  finish(
    choice: number,
    end: ChoiceEnd,
    matchedStop: string | number | null,
    promptIds: readonly number[],
  ): string | null;
  /** After the last choice. */
  end(usage: Usage): string | null;
}
