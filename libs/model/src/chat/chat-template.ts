import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import type { GgufFile } from '../gguf/gguf-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { findTokenId } from '../tokenizer/special-ids.js';
import { ChatTemplateError, ChatTemplateErrorCode } from './chat-template-error.js';
import { strftime } from './strftime.js';

/** A message of a conversation; templates may look at more fields (`tool_calls`, `name`, …). */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface RenderOptions {
  /** Ends the prompt with the beginning of the assistant's answer. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Default: the file's own. */
  readonly bosToken?: string;
  /** Default: the file's own. */
  readonly eosToken?: string;
  /** Tools as OpenAI's JSON, for templates that know them. */
  readonly tools?: readonly object[];
  /** Further variables of the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** What `strftime_now` tells. Default: now. */
  readonly now?: Date;
}

export interface SpecialTokenTexts {
  readonly bosToken?: string;
  readonly eosToken?: string;
}

class RaisedByTemplate extends Error {}

/** A model's chat template (Jinja), rendered with the variables, functions and settings of transformers. */
export class ChatTemplate {
  /** Null when the model has none. */
  readonly #program: ReturnType<typeof parse> | null;
  readonly #tokens: SpecialTokenTexts;

  /** @throws ModelFileError (bad_template) */
  constructor(source: string | null, tokens: SpecialTokenTexts = {}) {
    this.#program = source === null ? null : parseTemplate(source);
    this.#tokens = tokens;
  }

  /**
   * The template in `tokenizer.chat_template`; a model without one gets a template that refuses every conversation.
   *
   * @throws ModelFileError (bad_template)
   */
  static fromGguf(file: GgufFile): ChatTemplate {
    const entries = file.findStrings('tokenizer.ggml.tokens') ?? [];
    const textOf = (name: 'bos' | 'eos') => entries[findTokenId(file, name) ?? -1];
    const [bosToken, eosToken] = [textOf('bos'), textOf('eos')];
    return new ChatTemplate(file.findString('tokenizer.chat_template') ?? null, {
      ...(bosToken === undefined ? {} : { bosToken }),
      ...(eosToken === undefined ? {} : { eosToken }),
    });
  }

  /** Makes the prompt of a conversation. Special tokens are written out in it. @throws ChatTemplateError */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    if (this.#program === null) {
      const message = 'the model has no chat template; send a text prompt instead of messages';
      throw new ChatTemplateError(ChatTemplateErrorCode.NO_TEMPLATE, message);
    }
    try {
      const result: unknown = new Interpreter(this.#environment(messages, options)).run(this.#program).value;
      return String(result);
    } catch (cause) {
      const { message } = cause as Error;
      if (cause instanceof RaisedByTemplate)
        throw new ChatTemplateError(ChatTemplateErrorCode.REFUSED, message, { cause });
      const text = `the model's chat template cannot render these messages: ${message}`;
      throw new ChatTemplateError(ChatTemplateErrorCode.RENDER_FAILED, text, { cause });
    }
  }

  #environment(messages: readonly ChatMessage[], options: RenderOptions): Environment {
    const now = options.now ?? new Date();
    const variables: Record<string, unknown> = {
      true: true,
      false: false,
      none: null,
      True: true,
      False: false,
      None: null,
      range,
      strftime_now: (format: string) => strftime(now, format),
      raise_exception: (message: unknown) => {
        throw new RaisedByTemplate(String(message));
      },
      ...this.#variablesOf(options),
      messages,
      tools: options.tools ?? null,
      documents: null,
      add_generation_prompt: options.addGenerationPrompt ?? false,
      ...options.variables,
    };
    const environment = new Environment();
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    return environment;
  }

  #variablesOf({ bosToken = this.#tokens.bosToken, eosToken = this.#tokens.eosToken }: RenderOptions): object {
    return { bos_token: bosToken, eos_token: eosToken };
  }
}

/** As transformers sets Jinja up: a block takes the newline after it and the blanks before it away. */
function parseTemplate(source: string): ReturnType<typeof parse> {
  try {
    return parse(tokenize(source, { trim_blocks: true, lstrip_blocks: true }));
  } catch (cause) {
    const message = `the model's chat template does not parse: ${(cause as Error).message}`;
    throw new ModelFileError(ModelFileErrorCode.BAD_TEMPLATE, message, { cause });
  }
}

/** Python's `range`. */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new RangeError('range() arg 3 must not be zero');
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step);
}
