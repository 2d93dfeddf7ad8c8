import { ChatTemplate, loadTokenizer, type GgufFile, type Tokenizer } from '@sliceway/model';
import type { EncodePrompt } from '@sliceway/protocol';

/** A prompt that cannot be encoded; `code` goes to the gateway. */
export class PromptError extends Error {
  override readonly name = 'PromptError';

  constructor(
    readonly code: 'prompt_too_long' | 'empty_prompt' | 'bad_token_id',
    message: string,
  ) {
    super(message);
  }
}

/** Prompts to token ids, by the model's own template and vocabulary. */
export class PromptEncoder {
  readonly tokenizer: Tokenizer;
  readonly #template: ChatTemplate;

  constructor(
    file: GgufFile,
    private readonly maxChars: number,
  ) {
    this.tokenizer = loadTokenizer(file);
    this.#template = ChatTemplate.fromGguf(file);
  }

  /** @throws PromptError, ChatTemplateError */
  encode(prompt: EncodePrompt): readonly number[] {
    const ids = this.#encode(prompt);
    if (ids.length === 0) throw new PromptError('empty_prompt', 'the prompt has no tokens');
    return ids;
  }

  #encode(prompt: EncodePrompt): readonly number[] {
    if ('ids' in prompt) return this.#check(prompt.ids);
    if ('text' in prompt) return this.tokenizer.encode(this.#bounded(prompt.text), { addSpecial: true });
    // The template writes the special tokens itself, BOS included.
    return this.tokenizer.encode(this.#bounded(this.#template.render(prompt.messages, { addGenerationPrompt: true })));
  }

  #check(ids: readonly number[]): readonly number[] {
    const wrong = ids.find((id) => id >= this.tokenizer.vocabSize);
    if (wrong === undefined) return ids;
    throw new PromptError('bad_token_id', `token id ${wrong} is not in the vocabulary of ${this.tokenizer.vocabSize}`);
  }

  #bounded(text: string): string {
    if (text.length <= this.maxChars) return text;
    throw new PromptError(
      'prompt_too_long',
      `the prompt has ${text.length} characters; at most ${this.maxChars} are taken`,
    );
  }
}
