import type { Answer } from '../openai/answer.js';
import type { ApiError } from '../openai/api-error.js';
import type { ChoiceEnd, CompletionSink, TextPiece, Usage } from '../openai/completion-sink.js';

export interface AnswerShape {
  readonly prompts: number;
  /** Of each prompt. */
  readonly choices: number;
}

/** Writes one HTTP answer; choices are counted through all prompts. The calls' order is that of a `CompletionSink`. */
export interface AnswerWriter {
  hasSent(prompt: number): boolean;
  promptReady(prompt: number, promptIds: readonly number[], promptText: string | null): void;
  open(fingerprint: string): void;
  text(choice: number, piece: TextPiece): boolean;
  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null): void;
  /** Of all prompts. */
  end(usage: Usage): void;
  fail(error: ApiError): void;
  drop(): void;
}

/** Joins the prompts of one HTTP request, and sums up their usage. */
export class SharedAnswer implements Answer {
  /** It failed, or the client was let go of. */
  isOver = false;
  #left: number;
  #promptTokens = 0;
  #completionTokens = 0;

  constructor(
    readonly writer: AnswerWriter,
    readonly shape: AnswerShape,
  ) {
    this.#left = shape.prompts;
  }

  sink(prompt: number): CompletionSink {
    return new PromptSink(this, prompt);
  }

  end({ promptTokens, completionTokens }: Usage): void {
    this.#promptTokens += promptTokens;
    this.#completionTokens += completionTokens;
    this.#left -= 1;
    if (this.#left > 0) return;
    this.writer.end({ promptTokens: this.#promptTokens, completionTokens: this.#completionTokens });
  }

  /** @param tell says it to the client */
  break(tell: () => void): void {
    if (this.isOver) return;
    this.isOver = true;
    tell();
  }
}

class PromptSink implements CompletionSink {
  readonly #firstChoice: number;

  constructor(
    private readonly answer: SharedAnswer,
    private readonly prompt: number,
  ) {
    this.#firstChoice = prompt * answer.shape.choices;
  }

  get hasSent(): boolean {
    return this.answer.writer.hasSent(this.prompt);
  }

  promptReady(promptIds: readonly number[], promptText: string | null): void {
    this.answer.writer.promptReady(this.prompt, promptIds, promptText);
  }

  open(fingerprint: string): void {
    this.answer.writer.open(fingerprint);
  }

  text(choice: number, piece: TextPiece): boolean {
    if (this.answer.isOver) return true;
    return this.answer.writer.text(this.#firstChoice + choice, piece);
  }

  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null): void {
    if (this.answer.isOver) return;
    this.answer.writer.finish(this.#firstChoice + choice, end, matchedStop);
  }

  end(usage: Usage): void {
    if (!this.answer.isOver) this.answer.end(usage);
  }

  fail(error: ApiError): void {
    this.answer.break(() => this.answer.writer.fail(error));
  }

  drop(): void {
    this.answer.break(() => this.answer.writer.drop());
  }
}
