import type { TextLogprobs } from '@sliceway/protocol';
import type { WholeFormat } from '../openai/answer-formats.js';
import type { ChoiceEnd } from '../openai/completion-sink.js';
import type { GatheredChoice } from '../openai/gathered-choice.js';
import { finiteLogprob, tokenText } from '../openai/token-text.js';

/** How the results of one answer are written. */
export interface GenerateStyle {
  /** One a result. */
  readonly ids: readonly string[];
  readonly isBatch: boolean;
  readonly withPromptIds: boolean;
  readonly withTopLogprobs: boolean;
  readonly withLogprobText: boolean;
}

/** What of a choice is there so far; `end` is null while it goes on. */
export type Progress = Pick<GatheredChoice, 'text' | 'tokenIds' | 'logprobs' | 'matchedStop'> & {
  readonly end: ChoiceEnd | null;
};

/** SGLang's answer: one result, or a list of them. */
export function generateAnswer(style: GenerateStyle): WholeFormat {
  return ({ prompts, choices }) => {
    const perPrompt = choices.length / prompts.length;
    const results = choices.map((choice, index) =>
      resultObject(style, index, choice, prompts[Math.floor(index / perPrompt)]!),
    );
    return style.isBatch ? results : results[0]!;
  };
}

/** SGLang's result of one choice, finished or not. */
export function resultObject(style: GenerateStyle, index: number, choice: Progress, promptIds: readonly number[]) {
  const { text, tokenIds, logprobs } = choice;
  return {
    text,
    output_ids: tokenIds,
    meta_info: {
      id: style.ids[index],
      finish_reason: finishReason(choice),
      prompt_tokens: promptIds.length,
      completion_tokens: tokenIds.length,
      cached_tokens: 0,
      ...(logprobs === null ? {} : logprobFields(style, tokenIds, logprobs)),
    },
    ...(style.withPromptIds ? { prompt_token_ids: promptIds } : {}),
  };
}

function finishReason({ end, matchedStop, tokenIds }: Progress) {
  if (end === null) return null;
  if (end === 'length') return { type: 'length', length: tokenIds.length };
  return matchedStop === null ? { type: 'stop' } : { type: 'stop', matched: matchedStop };
}

/** Lists of `[logprob, token id, text or null]`. The prompt has none here, which is what SGLang does by default. */
function logprobFields(style: GenerateStyle, tokenIds: readonly number[], logprobs: readonly TextLogprobs[]) {
  const entry = (logprob: number, token: number | undefined, bytes: Uint8Array) => [
    finiteLogprob(logprob),
    token,
    style.withLogprobText ? tokenText(bytes) : null,
  ];
  return {
    input_token_logprobs: [],
    output_token_logprobs: logprobs.map(({ logprob, bytes }, i) => entry(logprob, tokenIds[i], bytes)),
    ...(style.withTopLogprobs
      ? {
          input_top_logprobs: [],
          output_top_logprobs: logprobs.map(({ top }) =>
            top.map(({ logprob, token, bytes }) => entry(logprob, token, bytes)),
          ),
        }
      : {}),
  };
}
