import type { TextLogprobs } from '@sliceway/protocol';
import { finiteLogprob, tokenText } from './token-text.js';

/**
 * OpenAI's older `logprobs`, of a completion's choice; null where none were asked for.
 *
 * @param offset where the first token begins in the choice's text, in characters as Python counts them: in vLLM, too, the
 *   prompt counts only where it is echoed
 */
export function textLogprobs(logprobs: readonly TextLogprobs[] | null, offset: number) {
  if (logprobs === null) return null;
  const tokens = logprobs.map(({ bytes }) => tokenText(bytes));
  let next = offset;
  return {
    tokens,
    token_logprobs: logprobs.map(({ logprob }) => finiteLogprob(logprob)),
    top_logprobs: logprobs.map(({ top, logprob }, index) => topLogprobs(top, tokens[index]!, logprob)),
    text_offset: logprobs.map(({ bytes }) => {
      const begin = next;
      next += characters(bytes);
      return begin;
    }),
  };
}

/** The token that was drawn is always among them, so that there may be one more than asked for. */
function topLogprobs(top: TextLogprobs['top'], drawn: string, logprob: number): Record<string, number> {
  const entries = top.map((alternative) => [tokenText(alternative.bytes), finiteLogprob(alternative.logprob)] as const);
  return Object.fromEntries([...entries, [drawn, finiteLogprob(logprob)]]);
}

/** How many characters begin in these bytes of UTF-8; a character in parts counts where it begins. */
export function characters(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}

export function charactersOf(logprobs: readonly TextLogprobs[] | null): number {
  return logprobs === null ? 0 : logprobs.reduce((sum, { bytes }) => sum + characters(bytes), 0);
}
