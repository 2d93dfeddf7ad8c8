import type { TokenBytes } from '@sliceway/model';
import { FinishReason, NO_SECTIONS, type TokenEntry } from '@sliceway/protocol';

export const RID = '00112233445566778899aabbccddeeff';

/** Token n is byte n; 256 is a special token without text. */
export const BYTES: TokenBytes = {
  tokenBytes(id) {
    if (id > 256) throw new RangeError(`token ${id} is outside the vocabulary of 257`);
    return id === 256 ? new Uint8Array(0) : Uint8Array.of(id);
  },
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
    sections: NO_SECTIONS,
    ...over,
  };
}
