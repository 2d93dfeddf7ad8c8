import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../openai/chat-schema.js';
import { emptyList, neutral, nullOnly, only } from '../openai/neutral-fields.js';
import {
  flag,
  MAX_PROMPTS,
  minTokens,
  samplingFields,
  seed,
  stopStrings,
  tokenCount,
  tokenId,
  withDefault,
} from '../openai/request-fields.js';

/** SGLang has no limit; each one is looked for in every token's text. */
const MAX_STOP_STRINGS = 16;
/** SGLang's. */
const DEFAULT_MAX_NEW_TOKENS = 128;

const emptyObject = neutral((value) => typeof value === 'object' && Object.keys(value as object).length === 0, '{}');

const samplingParams = z.strictObject({
  ...samplingFields,
  temperature: withDefault(z.number().min(0), 1),
  /** Null, unlike none, is the rest of the context. */
  max_new_tokens: tokenCount.nullable().default(DEFAULT_MAX_NEW_TOKENS),
  min_new_tokens: minTokens,
  stop: stopStrings(MAX_STOP_STRINGS),
  sampling_seed: seed,
  stop_regex: emptyList,
  json_schema: nullOnly,
  regex: nullOnly,
  ebnf: nullOnly,
  structural_tag: nullOnly,
  skip_special_tokens: only(true),
  spaces_between_special_tokens: only(true),
  no_stop_trim: only(false),
  stream_interval: only(1),
  custom_params: emptyObject,
});

const text = z.string().min(1);
const ids = z.array(tokenId).min(1);
const name = z.string().min(1).max(256);

/** One for all prompts, or a list with one a prompt. */
const oneOrMore = <S extends z.ZodType>(schema: S, expected: string) =>
  withDefault(z.union([schema, z.array(schema).min(1).max(MAX_PROMPTS)], { error: `expected ${expected}` }), null);

/** The body of SGLang's `POST /generate`. */
export const generateSchema = z.strictObject({
  /** Ours: which one, where several models are served. */
  model: withDefault(z.string().min(1), null),
  text: oneOrMore(text, `a string or a list of up to ${MAX_PROMPTS} strings, none of them empty`),
  input_ids: oneOrMore(ids, `a list of token ids or a list of up to ${MAX_PROMPTS} such lists, none of them empty`),
  /** Parsed later, so that a fault in one of a list is named. */
  sampling_params: z.unknown().optional(),
  rid: oneOrMore(name, 'a string or a list of strings of 1 to 256 characters'),
  stream: flag(false),
  return_logprob: flag(false),
  top_logprobs_num: withDefault(z.int().min(0).max(MAX_TOP_LOGPROBS), 0),
  return_text_in_logprobs: flag(false),
  return_prompt_token_ids: flag(false),
  logprob_start_len: only(-1),
  token_ids_logprob: emptyList,
  input_embeds: nullOnly,
  image_data: emptyList,
  video_data: emptyList,
  audio_data: emptyList,
  modalities: emptyList,
  return_hidden_states: only(false),
  return_routed_experts: only(false),
  return_sampling_mask: only(false),
  return_entropy: only(false),
  session_id: nullOnly,
  session_params: nullOnly,
  lora_path: nullOnly,
  custom_logit_processor: nullOnly,
  bootstrap_host: nullOnly,
  bootstrap_port: nullOnly,
  bootstrap_room: nullOnly,
  routed_dp_rank: nullOnly,
  data_parallel_rank: nullOnly,
  priority: nullOnly,
  extra_key: only(''),
  cache_salt: only(''),
  background: only(false),
  log_metrics: only(true),
});

export const samplingSchema = z.strictObject({
  sampling_params: z.preprocess((value) => value ?? {}, samplingParams),
});
export const samplingListSchema = z.strictObject({ sampling_params: z.array(samplingParams).min(1).max(MAX_PROMPTS) });

export type GenerateBody = z.output<typeof generateSchema>;
export type GenerateSampling = z.output<typeof samplingParams>;
