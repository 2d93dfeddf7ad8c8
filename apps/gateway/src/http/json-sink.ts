import type { ServerResponse } from 'node:http';
import type { ApiError } from '../openai/api-error.js';
import { chatCompletion } from '../openai/chat-completion.js';
import type { CompletionHead } from '../openai/completion-head.js';
import type { ChoiceEnd, CompletionSink, Usage } from '../openai/completion-sink.js';
import { sendError, sendJson } from './http-answer.js';

/** Gathers an answer and sends it in one piece. */
export class JsonSink implements CompletionSink {
  readonly #response: ServerResponse;
  readonly #head: CompletionHead;
  readonly #texts: string[];
  readonly #ends: ChoiceEnd[];
  #fingerprint = '';

  constructor(response: ServerResponse, head: CompletionHead, choices: number) {
    this.#response = response;
    this.#head = head;
    this.#texts = new Array<string>(choices).fill('');
    this.#ends = new Array<ChoiceEnd>(choices).fill('stop');
  }

  open(fingerprint: string): void {
    this.#fingerprint = fingerprint;
  }

  text(choice: number, text: string): boolean {
    this.#texts[choice] += text;
    return true;
  }

  finish(choice: number, end: ChoiceEnd): void {
    this.#ends[choice] = end;
  }

  end(usage: Usage): void {
    const choices = this.#texts.map((text, choice) => ({ text, end: this.#ends[choice] ?? 'stop' }));
    sendJson(this.#response, 200, chatCompletion(this.#head, this.#fingerprint, choices, usage));
  }

  fail(error: ApiError): void {
    sendError(this.#response, error);
  }

  drop(): void {
    this.#response.destroy();
  }
}
