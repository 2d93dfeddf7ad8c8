import type { ServerResponse } from 'node:http';
import { now } from '@sliceway/tracing';
import type { WriteListener } from '../openai/answer.js';
import type { StreamFormat } from '../openai/answer-formats.js';
import type { ApiError } from '../openai/api-error.js';
import type { ChoiceEnd, TextPiece, Usage } from '../openai/completion-sink.js';
import { sendError } from './http-answer.js';
import type { AnswerShape, AnswerWriter } from './shared-answer.js';

/** Streams an answer as server-sent events; headers leave with the first event, so until then an error has a status. */
export class StreamedAnswer implements AnswerWriter {
  readonly #begun = new Set<number>();
  readonly #prompts: (readonly number[])[] = [];
  readonly #promptTexts: (string | null)[] = [];
  #format: StreamFormat | null = null;

  /** @param maxBufferedBytes how much the client may leave unread */
  constructor(
    private readonly response: ServerResponse,
    private readonly shape: AnswerShape,
    private readonly maxBufferedBytes: number,
    private readonly createFormat: (fingerprint: string) => StreamFormat,
  ) {}

  hasSent(prompt: number): boolean {
    const first = prompt * this.shape.choices;
    for (let i = 0; i < this.shape.choices; i++) if (this.#begun.has(first + i)) return true;
    return false;
  }

  promptReady(prompt: number, promptIds: readonly number[], promptText: string | null): void {
    this.#prompts[prompt] = promptIds;
    this.#promptTexts[prompt] = promptText;
  }

  /** Prompts may open with different workers; the first event fixes whose fingerprint the chunks have. */
  open(fingerprint: string): void {
    if (this.#begun.size === 0) this.#format = this.createFormat(fingerprint);
  }

  text(choice: number, piece: TextPiece, onWrite: WriteListener | null): boolean {
    this.#send(choice, this.#events.piece(choice, piece, this.#promptIds(choice)), onWrite);
    return this.response.writableLength <= this.maxBufferedBytes;
  }

  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null, onWrite: WriteListener | null): void {
    this.#send(choice, this.#events.finish(choice, end, matchedStop, this.#promptIds(choice)), onWrite);
  }

  end(usage: Usage, onWrite: WriteListener | null): void {
    const last = this.#events.end(usage);
    if (last !== null) this.#write(last, onWrite);
    this.#write('[DONE]', onWrite);
    this.response.end();
  }

  fail(error: ApiError, onWrite: WriteListener | null): void {
    if (!this.response.headersSent) {
      sendError(this.response, error);
      return;
    }
    const startTs = onWrite === null ? 0 : now();
    this.response.end(`event: error\ndata: ${JSON.stringify(error.body)}\n\n`);
    onWrite?.(startTs);
  }

  drop(): void {
    this.response.destroy();
  }

  get #events(): StreamFormat {
    if (this.#format === null) throw new Error('An answer is opened before it is written.');
    return this.#format;
  }

  #send(choice: number, data: string | null, onWrite: WriteListener | null): void {
    if (data === null) return;
    if (!this.#begun.has(choice)) this.#begin(choice, onWrite);
    this.#write(data, onWrite);
  }

  #begin(choice: number, onWrite: WriteListener | null): void {
    this.#begun.add(choice);
    if (!this.response.headersSent) {
      this.response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        // nginx would gather events into blocks.
        'x-accel-buffering': 'no',
      });
    }
    const first = this.#events.begin(choice, this.#promptTexts[this.#promptOf(choice)] ?? null);
    if (first !== null) this.#write(first, onWrite);
  }

  #promptIds(choice: number): readonly number[] {
    return this.#prompts[this.#promptOf(choice)] ?? [];
  }

  #promptOf(choice: number): number {
    return Math.floor(choice / this.shape.choices);
  }

  #write(data: string, onWrite: WriteListener | null): void {
    const startTs = onWrite === null ? 0 : now();
    this.response.write(`data: ${data}\n\n`);
    onWrite?.(startTs);
  }
}
