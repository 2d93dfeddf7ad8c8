import { FinishReason, type TokenEntry } from '@sliceway/protocol';
import type { TokenTexts } from './choice-text.js';

export const RID = '00112233445566778899aabbccddeeff';

/** Token n is byte n; 256 is the special token `<end>`. */
export const BYTES: TokenTexts = {
  tokenBytes(id) {
    if (id > 256) throw new RangeError(`token ${id} is outside the vocabulary of 257`);
    return id === 256 ? new Uint8Array(0) : Uint8Array.of(id);
  },
  visibleBytes: (id) => (id === 256 ? new TextEncoder().encode('<end>') : BYTES.tokenBytes(id)),
};

export function tokensOf(text: string): number[] {
  return [...Buffer.from(text)];
}

/** Tokens of choice 0, attempt 0; a string is its bytes. */
export function entry(index: number, tokens: string | readonly number[], over: Partial<TokenEntry> = {}): TokenEntry {
  return {
    rid: RID,
    choice: 0,
    attempt: 0,
    finish: FinishReason.none,
    index,
    tokens: typeof tokens === 'string' ? tokensOf(tokens) : tokens,
    logprobs: null,
    ...over,
  };
}
