import type { Answer, WriteListener } from '../openai/answer.js';
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
  /** @param onWrite of the prompt whose call it is, here and below */
  text(choice: number, piece: TextPiece, onWrite: WriteListener | null): boolean;
  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null, onWrite: WriteListener | null): void;
  /** Of all prompts. */
  end(usage: Usage, onWrite: WriteListener | null): void;
  fail(error: ApiError, onWrite: WriteListener | null): void;
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

  sink(prompt: number, onWrite: WriteListener | null = null): CompletionSink {
    return new PromptSink(this, prompt, onWrite);
  }

  end({ promptTokens, completionTokens }: Usage, onWrite: WriteListener | null): void {
    this.#promptTokens += promptTokens;
    this.#completionTokens += completionTokens;
    this.#left -= 1;
    if (this.#left > 0) return;
    this.writer.end({ promptTokens: this.#promptTokens, completionTokens: this.#completionTokens }, onWrite);
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
    private readonly onWrite: WriteListener | null,
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
    return this.answer.writer.text(this.#firstChoice + choice, piece, this.onWrite);
  }

  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null): void {
    if (this.answer.isOver) return;
    this.answer.writer.finish(this.#firstChoice + choice, end, matchedStop, this.onWrite);
  }

  end(usage: Usage): void {
    if (!this.answer.isOver) this.answer.end(usage, this.onWrite);
  }

  fail(error: ApiError): void {
    this.answer.break(() => this.answer.writer.fail(error, this.onWrite));
  }

  drop(): void {
    this.answer.break(() => this.answer.writer.drop());
  }
}
