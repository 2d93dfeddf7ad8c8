import type { StreamFormat } from './answer-formats.js';
import { ChunkTemplate } from './chunk-template.js';
import type { CompletionHead } from './completion-head.js';
import type { ChoiceEnd, TextPiece, Usage } from './completion-sink.js';
import type { Echo } from './completion-request.js';
import { charactersOf, textLogprobs } from './text-logprobs.js';

export interface TextChunksOptions {
  readonly head: CompletionHead;
  readonly withUsage: boolean;
  /** The prompt's text is the first chunk of each choice. */
  readonly echo: Echo;
}

/** The `text_completion` objects of one streamed answer. */
export class TextChunks implements StreamFormat {
  readonly #template: ChunkTemplate;
  readonly #options: TextChunksOptions;
  /** Characters sent of each choice. */
  readonly #offsets: number[] = [];

  constructor(options: TextChunksOptions, fingerprint: string) {
    this.#options = options;
    this.#template = new ChunkTemplate(options.head, 'text_completion', fingerprint, options.withUsage);
  }

  begin(choice: number, promptText: string | null): string | null {
    if (this.#options.echo === 'none') return null;
    return this.#chunk(choice, promptText ?? '', null, null);
  }

  piece(choice: number, { text, logprobs }: TextPiece): string | null {
    if (this.#options.echo === 'promptOnly') return null;
    if (text === '' && (logprobs === null || logprobs.length === 0)) return null;
    const offset = this.#offsets[choice] ?? 0;
    this.#offsets[choice] = offset + charactersOf(logprobs);
    return this.#chunk(choice, text, textLogprobs(logprobs, offset), null);
  }

  finish(choice: number, end: ChoiceEnd): string {
    return this.#chunk(choice, '', null, end);
  }

  end(usage: Usage): string | null {
    return this.#template.usage(usage);
  }

  #chunk(choice: number, text: string, logprobs: object | null, end: ChoiceEnd | null): string {
    return this.#template.choice(choice, `"text":${JSON.stringify(text)}`, logprobs, end);
  }
}
