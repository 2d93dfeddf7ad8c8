import { z } from 'zod';
import { neutralMessageFields, neutralRequestFields, neutralStreamFields } from './neutral-fields.js';

/** OpenAI's limits; 8 choices are ours: one prefill and n forks share one transfer. */
export const MAX_CHOICES = 8;
export const MAX_STOP_STRINGS = 4;
export const MAX_STOP_TOKEN_IDS = 16;
const MAX_U32 = 2 ** 32 - 1;

/** Null means "not given" in OpenAI's API. */
function withDefault<S extends z.ZodType, D>(schema: S, fallback: D) {
  return schema.nullish().transform((value): z.output<S> | D => value ?? fallback);
}

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });

const content = z.union([z.string(), z.array(textPart).min(1)], {
  error: 'expected a string or an array of { "type": "text", "text": … } parts',
});

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content,
  ...neutralMessageFields,
});

const stopString = z.string().min(1);

/** The body of `POST /v1/chat/completions`. */
export const chatSchema = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  temperature: withDefault(z.number().min(0).max(2), 1),
  top_p: withDefault(z.number().gt(0).max(1), 1),
  /** SGLang's: -1 and 0 switch it off. */
  top_k: withDefault(z.int().min(-1).max(MAX_U32), -1),
  max_tokens: withDefault(z.int().min(1), null),
  max_completion_tokens: withDefault(z.int().min(1), null),
  n: withDefault(z.int().min(1).max(MAX_CHOICES), 1),
  stop: withDefault(
    z.union([stopString, z.array(stopString).max(MAX_STOP_STRINGS)], {
      error: `expected a string or a list of up to ${MAX_STOP_STRINGS} strings, none of them empty`,
    }),
    [],
  ),
  stop_token_ids: withDefault(z.array(z.int().min(0).max(MAX_U32)).max(MAX_STOP_TOKEN_IDS), []),
  ignore_eos: withDefault(z.boolean(), false),
  seed: withDefault(z.int(), null),
  stream: withDefault(z.boolean(), false),
  stream_options: withDefault(
    z.strictObject({ include_usage: withDefault(z.boolean(), false), ...neutralStreamFields }),
    null,
  ),
  /** Who asks and how to group it: nothing to do here. */
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  ...neutralRequestFields,
});

export type ChatBody = z.output<typeof chatSchema>;
