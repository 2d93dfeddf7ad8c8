import type { EncodePrompt } from '@sliceway/protocol';
import { EncodeError, EncodeErrorCode } from './encode-error.js';
import { promptChars, type EncodedPrompt, type PromptEncoder } from './prompt-encoder.js';
import type { ThreadedEncoder } from './threaded-encoder.js';

export interface EncodeLimits {
  readonly maxChars: number;
  /** What a reply can hold. */
  readonly maxTokens: number;
}

/**
 * Longer prompts are encoded on the thread. A character costs 5 us at worst (random CJK; one word without a blank), so
 * that this many keep the event loop, and everyone's tokens, waiting for 20 ms; usual text takes 0.1 ms.
 */
const MAX_INLINE_CHARS = 4096;
const REPLY_OVERHEAD_BYTES = 1024;

/** How many token ids fit into a reply, as decimal numbers with commas. */
export function maxReplyTokens(maxPayloadBytes: number, vocabSize: number): number {
  return Math.floor((maxPayloadBytes - REPLY_OVERHEAD_BYTES) / (String(vocabSize - 1).length + 1));
}

/** Encodes within limits: short prompts at once, long ones without holding the event loop up. */
export class Encoder {
  constructor(
    private readonly inline: PromptEncoder,
    private readonly threaded: ThreadedEncoder,
    private readonly limits: EncodeLimits,
  ) {}

  /** @throws EncodeError; Error when the thread dies */
  async encode(prompt: EncodePrompt): Promise<EncodedPrompt> {
    const { maxChars, maxTokens } = this.limits;
    const chars = promptChars(prompt);
    if (chars > maxChars) throw tooLong(`${chars} characters`, maxChars);
    const encoded = await (chars > MAX_INLINE_CHARS ? this.threaded : this.inline).encode(prompt);
    if (encoded.ids.length > maxTokens) throw tooLong(`${encoded.ids.length} tokens`, maxTokens);
    return encoded;
  }

  close(): Promise<void> {
    return this.threaded.close();
  }
}

function tooLong(what: string, limit: number): EncodeError {
  return new EncodeError(EncodeErrorCode.promptTooLong, `the prompt has ${what}; at most ${limit} are taken`);
}
