import type { GenerationRequest } from '../requests/generation-request.js';
import { ApiError } from './api-error.js';
import { completionSchema, type CompletionBody } from './completion-schema.js';
import { UNSUPPORTED_PARAMETER } from './neutral-fields.js';
import { parseBody } from './parse-body.js';
import { refuseMinOverMax, samplingOf } from './sampling.js';
import { deliveryOf, type Delivery } from './stream-options.js';

export interface CompletionRequest extends Delivery {
  /** One a prompt. */
  readonly requests: readonly GenerationRequest[];
  /** The prompts' texts, which begin the choices' ones; null where they were not asked for. */
  readonly echo: readonly string[] | null;
}

/** Reads the body of `POST /v1/completions`. @throws ApiError 400, naming the field */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  const completion = parseBody(completionSchema, body);
  refuseMinOverMax('min_tokens', completion.min_tokens, 'max_tokens', completion.max_tokens);
  refuseRanking(completion);
  const { model, n, seed, min_tokens, logprobs, max_tokens, stop } = completion;
  // One seed for all prompts, as if each had come alone.
  const sampling = samplingOf(completion, { seed, minTokens: min_tokens, logprobs });
  const requests = completion.prompt.map((prompt) => ({
    model,
    prompt,
    choices: n,
    sampling,
    maxTokens: max_tokens,
    stop,
  }));
  return { ...deliveryOf(completion), requests, echo: echoOf(completion) };
}

function refuseRanking({ best_of, n }: CompletionBody): void {
  if (best_of === null || best_of === n) return;
  throw new ApiError(400, `'best_of' other than 'n' (${n}) is not supported; leave it out.`, {
    param: 'best_of',
    code: UNSUPPORTED_PARAMETER,
  });
}

function echoOf({ echo, prompt, logprobs }: CompletionBody): string[] | null {
  if (!echo) return null;
  if (logprobs !== null) {
    throw new ApiError(400, "'logprobs' with 'echo' is not supported: a prompt has none here; leave one of them out.", {
      param: 'logprobs',
      code: UNSUPPORTED_PARAMETER,
    });
  }
  return prompt.map((one) => {
    if ('text' in one) return one.text;
    throw new ApiError(400, "'echo' of token ids is not supported; send the prompt as text.", {
      param: 'echo',
      code: UNSUPPORTED_PARAMETER,
    });
  });
}
