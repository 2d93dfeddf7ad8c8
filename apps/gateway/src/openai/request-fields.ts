import { z } from 'zod';

/** OpenAI's limits; 8 choices are ours: one prefill and n forks share one transfer. */
export const MAX_CHOICES = 8;
export const MAX_STOP_STRINGS = 4;
export const MAX_STOP_TOKEN_IDS = 16;
/** Ours: each prompt is a request of its own to the cluster. */
export const MAX_PROMPTS = 128;
/** Each step goes through all of them. */
export const MAX_BIASED_TOKENS = 1024;
const MAX_U32 = 2 ** 32 - 1;

/** Null means "not given" in OpenAI's API. */
export function withDefault<S extends z.ZodType, D>(schema: S, fallback: D) {
  return schema.nullish().transform((value): z.output<S> | D => value ?? fallback);
}

export const tokenId = z.int().min(0).max(MAX_U32);
export const flag = (fallback: boolean) => withDefault(z.boolean(), fallback);
export const tokenCount = z.int().min(1).max(MAX_U32);
export const tokenCountOrZero = z.int().min(0).max(MAX_U32);

const stopString = z.string().min(1);
export const stopStrings = (max: number) =>
  withDefault(
    z.union([stopString.transform((one) => [one]), z.array(stopString).max(max)], {
      error: `expected a string or a list of up to ${max} strings, none of them empty`,
    }),
    [],
  );

const biasKey = /^(0|[1-9]\d{0,9})$/;
/** Token ids as strings to what is added to their logits. A record of Zod's would leave out `__proto__` in silence. */
const logitBias = withDefault(
  z
    .custom<Record<string, number>>(isLogitBias, {
      error: `expected an object of up to ${MAX_BIASED_TOKENS} token ids with numbers from -100 to 100`,
    })
    .transform((biases) => Object.entries(biases).map(([token, bias]) => [Number(token), bias] as const)),
  [],
);

function isLogitBias(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= MAX_BIASED_TOKENS &&
    entries.every(
      ([token, bias]) =>
        biasKey.test(token) && Number(token) <= MAX_U32 && typeof bias === 'number' && Math.abs(bias) <= 100,
    )
  );
}

const penalty = withDefault(z.number().min(-2).max(2), 0);

/** How tokens are drawn, by the names that OpenAI and SGLang share. */
export const samplingFields = {
  temperature: withDefault(z.number().min(0).max(2), 1),
  top_p: withDefault(z.number().gt(0).max(1), 1),
  /** SGLang's, as all that OpenAI does not have; -1 and 0 switch it off. */
  top_k: withDefault(z.int().min(-1).max(MAX_U32), -1),
  min_p: withDefault(z.number().min(0).max(1), 0),
  presence_penalty: penalty,
  frequency_penalty: penalty,
  repetition_penalty: withDefault(z.number().gt(0).max(2), 1),
  logit_bias: logitBias,
  stop_token_ids: withDefault(z.array(tokenId).max(MAX_STOP_TOKEN_IDS), []),
  ignore_eos: flag(false),
  n: withDefault(z.int().min(1).max(MAX_CHOICES), 1),
};

export const minTokens = withDefault(tokenCountOrZero, 0);
export const seed = withDefault(z.int(), null);

/** What a chat and a completion of OpenAI's have in common. */
export const openAiFields = {
  ...samplingFields,
  model: z.string().min(1),
  stop: stopStrings(MAX_STOP_STRINGS),
  min_tokens: minTokens,
  seed,
  /** Who asks: nothing to do here. */
  user: z.string().nullish(),
};
