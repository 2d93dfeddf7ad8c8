import { completionId, systemFingerprint, type CompletionHead } from './completion-head.js';
import type { ChoiceEnd, Usage } from './completion-sink.js';
import { usageObject } from './usage-object.js';

export interface FinishedChoice {
  readonly text: string;
  readonly end: ChoiceEnd;
}

/** The `chat.completion` object: the whole answer in one piece. */
export function chatCompletion(
  head: CompletionHead,
  fingerprint: string,
  choices: readonly FinishedChoice[],
  usage: Usage,
) {
  return {
    id: completionId(head.rid),
    object: 'chat.completion',
    created: head.createdAtSeconds,
    model: head.model,
    system_fingerprint: systemFingerprint(fingerprint),
    choices: choices.map(({ text, end }, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: null,
      finish_reason: end,
    })),
    usage: usageObject(usage),
  };
}
