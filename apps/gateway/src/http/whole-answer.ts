import type { ServerResponse } from 'node:http';
import { now } from '@sliceway/tracing';
import type { WriteListener } from '../openai/answer.js';
import type { WholeFormat } from '../openai/answer-formats.js';
import type { ApiError } from '../openai/api-error.js';
import type { ChoiceEnd, TextPiece, Usage } from '../openai/completion-sink.js';
import { ChoiceGatherer } from '../openai/gathered-choice.js';
import { sendError, sendJson } from './http-answer.js';
import type { AnswerWriter, AnswerShape } from './shared-answer.js';

/** Gathers an answer and sends it in one piece. */
export class WholeAnswer implements AnswerWriter {
  readonly #prompts: (readonly number[])[];
  readonly #promptTexts: (string | null)[];
  readonly #choices: ChoiceGatherer[];
  #fingerprint = '';

  constructor(
    private readonly response: ServerResponse,
    private readonly shape: AnswerShape,
    private readonly withLogprobs: boolean,
    private readonly format: WholeFormat,
  ) {
    this.#prompts = new Array<readonly number[]>(shape.prompts).fill([]);
    this.#promptTexts = new Array<string | null>(shape.prompts).fill(null);
    this.#choices = Array.from({ length: shape.prompts * shape.choices }, () => new ChoiceGatherer(withLogprobs));
  }

  /** Nothing leaves before the end. */
  hasSent(): boolean {
    return false;
  }

  promptReady(prompt: number, promptIds: readonly number[], promptText: string | null): void {
    this.#prompts[prompt] = promptIds;
    this.#promptTexts[prompt] = promptText;
    const first = prompt * this.shape.choices;
    for (let i = 0; i < this.shape.choices; i++) this.#choices[first + i] = new ChoiceGatherer(this.withLogprobs);
  }

  open(fingerprint: string): void {
    this.#fingerprint = fingerprint;
  }

  text(choice: number, piece: TextPiece): boolean {
    this.#choices[choice]!.add(piece);
    return true;
  }

  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null): void {
    this.#choices[choice]!.finish(end, matchedStop);
  }

  end(usage: Usage, onWrite: WriteListener | null): void {
    const answer = {
      fingerprint: this.#fingerprint,
      prompts: this.#prompts,
      promptTexts: this.#promptTexts,
      choices: this.#choices,
      usage,
    };
    const body = this.format(answer);
    const startTs = now();
    sendJson(this.response, 200, body);
    onWrite?.(startTs);
  }

  fail(error: ApiError): void {
    sendError(this.response, error);
  }

  drop(): void {
    this.response.destroy();
  }
}
