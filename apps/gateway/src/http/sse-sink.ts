import type { ServerResponse } from 'node:http';
import type { ApiError } from '../openai/api-error.js';
import { ChatChunks } from '../openai/chat-chunks.js';
import type { CompletionHead } from '../openai/completion-head.js';
import type { ChoiceEnd, CompletionSink, Usage } from '../openai/completion-sink.js';
import { sendError } from './http-answer.js';

export interface SseSinkOptions {
  readonly head: CompletionHead;
  readonly includeUsage: boolean;
  /** How much the client may leave unread. */
  readonly maxBufferedBytes: number;
}

/** Streams an answer as server-sent events; headers leave with the first event, so until then an error has a status. */
export class SseSink implements CompletionSink {
  readonly #response: ServerResponse;
  readonly #options: SseSinkOptions;
  readonly #begun = new Set<number>();
  #chunks: ChatChunks | null = null;

  constructor(response: ServerResponse, options: SseSinkOptions) {
    this.#response = response;
    this.#options = options;
  }

  open(fingerprint: string): void {
    this.#chunks = new ChatChunks(this.#options.head, fingerprint, this.#options.includeUsage);
  }

  text(choice: number, text: string): boolean {
    this.#begin(choice);
    if (text !== '') this.#send(this.#json.text(choice, text));
    return this.#response.writableLength <= this.#options.maxBufferedBytes;
  }

  finish(choice: number, end: ChoiceEnd): void {
    this.#begin(choice);
    this.#send(this.#json.finish(choice, end));
  }

  end(usage: Usage): void {
    if (this.#options.includeUsage) this.#send(this.#json.usage(usage));
    this.#send('[DONE]');
    this.#response.end();
  }

  fail(error: ApiError): void {
    if (!this.#response.headersSent) {
      sendError(this.#response, error);
      return;
    }
    this.#response.end(`event: error\ndata: ${JSON.stringify(error.body)}\n\n`);
  }

  drop(): void {
    this.#response.destroy();
  }

  get #json(): ChatChunks {
    if (this.#chunks === null) throw new Error('An answer is opened before it is written.');
    return this.#chunks;
  }

  #begin(choice: number): void {
    if (this.#begun.has(choice)) return;
    this.#begun.add(choice);
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        // nginx would gather events into blocks.
        'x-accel-buffering': 'no',
      });
    }
    this.#send(this.#json.role(choice));
  }

  #send(data: string): void {
    this.#response.write(`data: ${data}\n\n`);
  }
}
