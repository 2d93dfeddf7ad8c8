import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import type { GenerationRequest } from '../requests/generation-request.js';
import { ApiError } from './api-error.js';
import type { samplingFields } from './request-fields.js';

type SamplingBody = z.output<z.ZodObject<typeof samplingFields>>;

export interface SamplingExtras {
  readonly seed: number | null;
  readonly minTokens: number;
  /** How many alternatives each token's log probability comes with; null: no log probabilities. */
  readonly logprobs: number | null;
}

/** What a body says of sampling, in the words of the cluster. */
export function samplingOf(body: SamplingBody, extras: SamplingExtras): GenerationRequest['sampling'] {
  return {
    temperature: body.temperature,
    topP: body.top_p,
    topK: Math.max(body.top_k, 0),
    minP: body.min_p,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    repetitionPenalty: body.repetition_penalty,
    logitBias: body.logit_bias,
    seed: extras.seed === null ? randomBytes(4).readUInt32LE() : foldSeed(extras.seed),
    minTokens: extras.minTokens,
    stopTokenIds: body.stop_token_ids,
    ignoreEos: body.ignore_eos,
    logprobs: extras.logprobs,
  };
}

/** @throws ApiError 400 if `min` is more than `max`, which is null for the rest of the context */
export function refuseMinOverMax(minName: string, min: number, maxName: string, max: number | null): void {
  if (max === null || min <= max) return;
  throw new ApiError(400, `'${minName}' (${min}) must not be more than '${maxName}' (${max}).`, {
    param: minName,
    code: 'invalid_value',
  });
}

/** OpenAI's seeds are 64 bits wide, the wire's 32: both halves count, and a seed that fits stays what it is. */
function foldSeed(seed: number): number {
  const wide = BigInt.asUintN(64, BigInt(seed));
  return Number(BigInt.asUintN(32, wide ^ (wide >> 32n)));
}
