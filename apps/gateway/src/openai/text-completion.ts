import type { WholeFormat } from './answer-formats.js';
import { headFields, type CompletionHead } from './completion-head.js';
import { textLogprobs } from './text-logprobs.js';
import { usageObject } from './usage-object.js';

/** The `text_completion` object. @param echo the prompts' texts, which come before each choice's */
export function textCompletion(head: CompletionHead, echo: readonly string[] | null): WholeFormat {
  return ({ fingerprint, prompts, choices, usage }) => {
    const perPrompt = choices.length / prompts.length;
    return {
      ...headFields(head, 'text_completion', fingerprint),
      choices: choices.map(({ text, end, logprobs }, index) => ({
        index,
        text: (echo?.[Math.floor(index / perPrompt)] ?? '') + text,
        logprobs: textLogprobs(logprobs, 0),
        finish_reason: end,
      })),
      usage: usageObject(usage),
    };
  };
}
