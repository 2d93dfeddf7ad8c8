import type { WholeFormat } from './answer-formats.js';
import { chatLogprobs } from './chat-logprobs.js';
import { headFields, type CompletionHead } from './completion-head.js';
import { usageObject } from './usage-object.js';

/** The `chat.completion` object: the whole answer in one piece. */
export function chatCompletion(head: CompletionHead): WholeFormat {
  return ({ fingerprint, choices, usage }) => ({
    ...headFields(head, 'chat.completion', fingerprint),
    choices: choices.map(({ text, end, logprobs }, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: chatLogprobs(logprobs),
      finish_reason: end,
    })),
    usage: usageObject(usage),
  });
}
