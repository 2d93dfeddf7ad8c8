import type { EncodePrompt } from '@sliceway/protocol';
import { EncodeError, EncodeErrorCode } from './encode-error.js';
import { promptChars, type EncodedPrompt, type PromptEncoder, type PromptOptions } from './prompt-encoder.js';
import type { ThreadedEncoder } from './threaded-encoder.js';

export interface EncodeLimits {
  readonly maxChars: number;
  /** What a reply can hold. */
  readonly maxTokens: number;
  /** As JSON, with their text. */
  readonly maxReplyBytes: number;
}

/**
 * Longer prompts are encoded on the thread. A character costs 5 us at worst (random CJK; one word without a blank), so
 * that this many keep the event loop, and everyone's tokens, waiting for 20 ms; usual text takes 0.1 ms.
 */
const MAX_INLINE_CHARS = 4096;
const REPLY_OVERHEAD_BYTES = 1024;

/** How many token ids fit into a reply, as decimal numbers with commas. */
export function maxReplyTokens(maxPayloadBytes: number, vocabSize: number): number {
  return Math.floor(maxReplyBytes(maxPayloadBytes) / (String(vocabSize - 1).length + 1));
}

/** How much room a reply has for the prompt. */
export function maxReplyBytes(maxPayloadBytes: number): number {
  return maxPayloadBytes - REPLY_OVERHEAD_BYTES;
}

/** Encodes within limits: short prompts at once, long ones without holding the event loop up. */
export class Encoder {
  constructor(
    private readonly inline: PromptEncoder,
    private readonly threaded: ThreadedEncoder,
    private readonly limits: EncodeLimits,
  ) {}

  /** Whether `encode` gives it to the thread. */
  isThreaded(prompt: EncodePrompt): boolean {
    const chars = promptChars(prompt);
    return chars > MAX_INLINE_CHARS && chars <= this.limits.maxChars;
  }

  /** @throws EncodeError; Error when the thread dies */
  async encode(prompt: EncodePrompt, options: PromptOptions = {}): Promise<EncodedPrompt> {
    const { maxChars, maxTokens, maxReplyBytes } = this.limits;
    const chars = promptChars(prompt);
    if (chars > maxChars) throw tooLong(`${chars} characters`, maxChars);
    const encoded = await (this.isThreaded(prompt) ? this.threaded : this.inline).encode(prompt, options);
    if (encoded.ids.length > maxTokens) throw tooLong(`${encoded.ids.length} tokens`, maxTokens);
    if (encoded.text !== null) {
      const bytes = Buffer.byteLength(JSON.stringify([encoded.ids, encoded.text]));
      if (bytes > maxReplyBytes) throw tooLong(`${bytes} bytes with its text`, maxReplyBytes);
    }
    return encoded;
  }

  close(): Promise<void> {
    return this.threaded.close();
  }
}

function tooLong(what: string, limit: number): EncodeError {
  return new EncodeError(EncodeErrorCode.promptTooLong, `the prompt has ${what}; at most ${limit} are taken`);
}
