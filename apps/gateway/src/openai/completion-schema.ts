import { z } from 'zod';
import { neutralCompletionFields } from './neutral-fields.js';
import { flag, MAX_PROMPTS, openAiFields, tokenCountOrZero, tokenId, withDefault } from './request-fields.js';
import { deliveryFields } from './stream-options.js';

export const MAX_LOGPROBS = 5;
/** OpenAI's. */
const DEFAULT_MAX_TOKENS = 16;

const text = z.string().min(1);
const tokenIds = z.array(tokenId).min(1);

/** One prompt is a list of one. */
export const prompts = z.union(
  [
    text.transform((one) => [{ text: one }]),
    z
      .array(text.transform((one) => ({ text: one })))
      .min(1)
      .max(MAX_PROMPTS),
    tokenIds.transform((ids) => [{ ids }]),
    z
      .array(tokenIds.transform((ids) => ({ ids })))
      .min(1)
      .max(MAX_PROMPTS),
  ],
  {
    error:
      'expected a string, a list of token ids, or a list of up to ' + `${MAX_PROMPTS} of either, none of them empty`,
  },
);

/** The body of `POST /v1/completions`. */
export const completionSchema = z.strictObject({
  ...openAiFields,
  ...deliveryFields,
  prompt: prompts,
  /** 0, with `echo`, is the prompt alone. */
  max_tokens: withDefault(tokenCountOrZero, DEFAULT_MAX_TOKENS),
  echo: flag(false),
  best_of: withDefault(z.int().min(1), null),
  logprobs: withDefault(z.int().min(0).max(MAX_LOGPROBS), null),
  ...neutralCompletionFields,
});

export type CompletionBody = z.output<typeof completionSchema>;
