import { type ChatTemplate, ChatTemplateError, type ModelFile, type Tokenizer } from '@sliceway/model';
import type { ChatMessage, EncodePrompt } from '@sliceway/protocol';
import { now } from '@sliceway/tracing';
import { EncodeError, EncodeErrorCode } from './encode-error.js';

export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** When the chat template was rendered, as `now()` tells it; null where none was. */
  readonly templateTs: readonly [startTs: number, endTs: number] | null;
}

/** Characters that a message counts beside its own: rendering costs 10 us a message, whatever it says. */
const MESSAGE_CHARS = 16;

/** Characters of a prompt; 0 for token ids. */
export function promptChars(prompt: EncodePrompt): number {
  if ('ids' in prompt) return 0;
  if ('text' in prompt) return prompt.text.length;
  return prompt.messages.reduce((sum, { content }) => sum + content.length + MESSAGE_CHARS, 0);
}

/** Prompts to token ids, by the model's own template and vocabulary. */
export class PromptEncoder {
  readonly tokenizer: Tokenizer;
  readonly #template: ChatTemplate;

  /** The file may be closed afterwards. @throws ModelFileError */
  constructor(file: ModelFile) {
    this.tokenizer = file.loadTokenizer();
    this.#template = file.loadChatTemplate();
  }

  /** @throws EncodeError */
  encode(prompt: EncodePrompt): EncodedPrompt {
    const encoded = this.#encode(prompt);
    if (encoded.ids.length > 0) return encoded;
    throw new EncodeError(EncodeErrorCode.emptyPrompt, 'the prompt has no tokens');
  }

  #encode(prompt: EncodePrompt): EncodedPrompt {
    if ('ids' in prompt) return { ids: this.#check(prompt.ids), templateTs: null };
    if ('text' in prompt) return { ids: this.tokenizer.encode(prompt.text, { addSpecial: true }), templateTs: null };
    const startTs = now();
    const text = this.#render(prompt.messages);
    const endTs = now();
    // The template writes the special tokens itself, BOS included.
    return { ids: this.tokenizer.encode(text), templateTs: [startTs, endTs] };
  }

  #render(messages: readonly ChatMessage[]): string {
    try {
      return this.#template.render(messages, { addGenerationPrompt: true });
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) throw error;
      throw new EncodeError(error.code, error.message, { cause: error });
    }
  }

  #check(ids: readonly number[]): readonly number[] {
    const { vocabSize } = this.tokenizer;
    const wrong = ids.find((id) => id >= vocabSize);
    if (wrong === undefined) return ids;
    throw new EncodeError(EncodeErrorCode.badTokenId, `token id ${wrong} is not in the vocabulary of ${vocabSize}`);
  }
}
