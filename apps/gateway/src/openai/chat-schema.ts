import { z } from 'zod';
import { neutralChatFields, neutralMessageFields } from './neutral-fields.js';
import { flag, openAiFields, tokenCount, withDefault } from './request-fields.js';
import { deliveryFields } from './stream-options.js';

export const MAX_TOP_LOGPROBS = 20;

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });

const content = z.union([z.string(), z.array(textPart).min(1)], {
  error: 'expected a string or an array of { "type": "text", "text": … } parts',
});

const ROLES = ['system', 'developer', 'user', 'assistant'] as const;

const message = z.strictObject({
  role: z.enum(ROLES, { error: `expected one of ${ROLES.join(', ')}; tool calls are not supported` }),
  content,
  ...neutralMessageFields,
});

/** The body of `POST /v1/chat/completions`. */
export const chatSchema = z.strictObject({
  ...openAiFields,
  ...deliveryFields,
  messages: z.array(message).min(1),
  max_tokens: withDefault(tokenCount, null),
  max_completion_tokens: withDefault(tokenCount, null),
  logprobs: flag(false),
  top_logprobs: withDefault(z.int().min(0).max(MAX_TOP_LOGPROBS), 0),
  /** How to group requests: nothing to do here. */
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  ...neutralChatFields,
});

export type ChatBody = z.output<typeof chatSchema>;
