import { type ChatTemplate, ChatTemplateError, type ModelFile, type Tokenizer } from '@sliceway/model';
import type { ChatMessage, EncodePrompt } from '@sliceway/protocol';
import { now } from '@sliceway/tracing';
import { EncodeError, EncodeErrorCode } from './encode-error.js';

export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** Of the ids, with special tokens written out; null where it was not asked for. */
  readonly text: string | null;
  /** When the chat template was rendered, as `now()` tells it; null where none was. */
  readonly templateTs: readonly [startTs: number, endTs: number] | null;
}

export interface PromptOptions {
  readonly withText?: boolean;
  /** Epoch milliseconds after which nothing is computed; 0 for none. */
  readonly deadlineMs?: number;
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
  encode(prompt: EncodePrompt, { withText = false, deadlineMs = 0 }: PromptOptions = {}): EncodedPrompt {
    if (deadlineMs > 0 && deadlineMs <= Date.now()) {
      throw new EncodeError(EncodeErrorCode.deadline, 'its turn came after its deadline');
    }
    const { ids, templateTs } = this.#encode(prompt);
    if (ids.length === 0) throw new EncodeError(EncodeErrorCode.emptyPrompt, 'the prompt has no tokens');
    return { ids, templateTs, text: withText ? this.#textOf(ids) : null };
  }

  #encode(prompt: EncodePrompt): Omit<EncodedPrompt, 'text'> {
    if ('ids' in prompt) return { ids: this.#check(prompt.ids), templateTs: null };
    if ('text' in prompt) return { ids: this.tokenizer.encode(prompt.text, { addSpecial: true }), templateTs: null };
    const startTs = now();
    const text = this.#render(prompt.messages);
    const endTs = now();
    // The template writes the special tokens itself, BOS included.
    return { ids: this.tokenizer.encode(text), templateTs: [startTs, endTs] };
  }

  /** Bytes that are no UTF-8 become U+FFFD. */
  #textOf(ids: readonly number[]): string {
    return Buffer.concat(ids.map((id) => this.tokenizer.visibleBytes(id))).toString();
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
