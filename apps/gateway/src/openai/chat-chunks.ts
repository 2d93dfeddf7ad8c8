import type { StreamFormat } from './answer-formats.js';
import { chatLogprobs } from './chat-logprobs.js';
import { ChunkTemplate } from './chunk-template.js';
import type { CompletionHead } from './completion-head.js';
import type { ChoiceEnd, TextPiece, Usage } from './completion-sink.js';

/** The `chat.completion.chunk` objects of one answer. */
export class ChatChunks implements StreamFormat {
  readonly #template: ChunkTemplate;

  constructor(head: CompletionHead, fingerprint: string, withUsage: boolean) {
    this.#template = new ChunkTemplate(head, 'chat.completion.chunk', fingerprint, withUsage);
  }

  begin(choice: number): string {
    return this.#template.choice(choice, '"delta":{"role":"assistant","content":""}', null, null);
  }

  piece(choice: number, { text, logprobs }: TextPiece): string | null {
    if (text === '' && (logprobs === null || logprobs.length === 0)) return null;
    return this.#template.choice(choice, `"delta":{"content":${JSON.stringify(text)}}`, chatLogprobs(logprobs), null);
  }

  finish(choice: number, end: ChoiceEnd): string {
    return this.#template.choice(choice, '"delta":{}', null, end);
  }

  end(usage: Usage): string | null {
    return this.#template.usage(usage);
  }
}
