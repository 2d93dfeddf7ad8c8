import type { WholeFormat } from './answer-formats.js';
import type { Echo } from './completion-request.js';
import { headFields, type CompletionHead } from './completion-head.js';
import { textLogprobs } from './text-logprobs.js';
import { usageObject } from './usage-object.js';

/** The `text_completion` object. */
export function textCompletion(head: CompletionHead, echo: Echo): WholeFormat {
  return ({ fingerprint, promptTexts, choices, usage }) => {
    const perPrompt = choices.length / promptTexts.length;
    return {
      ...headFields(head, 'text_completion', fingerprint),
      choices: choices.map(({ text, end, logprobs }, index) => ({
        index,
        text: echoed(echo, promptTexts[Math.floor(index / perPrompt)]!, text),
        logprobs: textLogprobs(logprobs, 0),
        finish_reason: end,
      })),
      usage: usageObject(usage),
    };
  };
}

function echoed(echo: Echo, promptText: string | null, text: string): string {
  if (echo === 'none') return text;
  return echo === 'promptOnly' ? (promptText ?? '') : (promptText ?? '') + text;
}
