import type { StreamFormat } from '../openai/answer-formats.js';
import type { ChoiceEnd, TextPiece } from '../openai/completion-sink.js';
import { ChoiceGatherer } from '../openai/gathered-choice.js';
import { resultObject, type GenerateStyle, type Progress } from './generate-object.js';

/** SGLang's stream: each event is a whole result, with all the text so far. */
export class GenerateEvents implements StreamFormat {
  readonly #choices = new Map<number, ChoiceGatherer>();

  constructor(
    private readonly style: GenerateStyle,
    private readonly withLogprobs: boolean,
  ) {}

  begin(): null {
    return null;
  }

  piece(choice: number, piece: TextPiece, promptIds: readonly number[]): string | null {
    if (piece.tokenIds.length === 0 && piece.text === '') return null;
    const gathered = this.#gathered(choice);
    gathered.add(piece);
    const { text, tokenIds, logprobs, matchedStop } = gathered;
    return this.#event(choice, { text, tokenIds, logprobs, matchedStop, end: null }, promptIds);
  }

  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null, promptIds: readonly number[]): string {
    const gathered = this.#gathered(choice);
    gathered.finish(end, matchedStop);
    return this.#event(choice, gathered, promptIds);
  }

  end(): null {
    return null;
  }

  #gathered(choice: number): ChoiceGatherer {
    let gathered = this.#choices.get(choice);
    if (gathered === undefined) {
      gathered = new ChoiceGatherer(this.withLogprobs);
      this.#choices.set(choice, gathered);
    }
    return gathered;
  }

  /** With several results, each event says whose it is. */
  #event(choice: number, progress: Progress, promptIds: readonly number[]): string {
    const result = resultObject(this.style, choice, progress, promptIds);
    return JSON.stringify(this.style.isBatch ? { ...result, index: choice } : result);
  }
}
