import type { TextLogprobs } from '@sliceway/protocol';
import { finiteLogprob, tokenText } from './token-text.js';

/** OpenAI's `logprobs` of a chat's choice; null where none were asked for. */
export function chatLogprobs(logprobs: readonly TextLogprobs[] | null) {
  if (logprobs === null) return null;
  const content = logprobs.map(({ bytes, logprob, top }) => ({
    ...tokenLogprob(bytes, logprob),
    top_logprobs: top.map((alternative) => tokenLogprob(alternative.bytes, alternative.logprob)),
  }));
  return { content, refusal: null };
}

function tokenLogprob(bytes: Uint8Array, logprob: number) {
  return { token: tokenText(bytes), logprob: finiteLogprob(logprob), bytes: [...bytes] };
}
