import type { GenerationRequest } from '../requests/generation-request.js';
import { ApiError } from './api-error.js';
import { completionSchema, type CompletionBody } from './completion-schema.js';
import { UNSUPPORTED_PARAMETER } from './neutral-fields.js';
import { parseBody } from './parse-body.js';
import { refuseMinOverMax, samplingOf } from './sampling.js';
import { deliveryOf, type Delivery } from './stream-options.js';

/** Whether a choice's text is the completion alone, the prompt before it, or the prompt alone. */
export type Echo = 'none' | 'prompt' | 'promptOnly';

export interface CompletionRequest extends Delivery {
  /** One a prompt. */
  readonly requests: readonly GenerationRequest[];
  readonly echo: Echo;
}

/** Reads the body of `POST /v1/completions`. @throws ApiError 400, naming the field */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  const completion = parseBody(completionSchema, body);
  refuseMinOverMax('min_tokens', completion.min_tokens, 'max_tokens', completion.max_tokens);
  refuseRanking(completion);
  const { model, n, seed, min_tokens, logprobs, max_tokens, stop } = completion;
  // One seed for all prompts, as if each had come alone.
  const echo = echoOf(completion);
  const sampling = samplingOf(completion, { seed, minTokens: min_tokens, logprobs });
  const requests = completion.prompt.map((prompt) => ({
    model,
    prompt,
    withPromptText: echo !== 'none',
    choices: n,
    sampling,
    seed,
    // Prefill always draws a token; as in vLLM it is counted, but not shown.
    maxTokens: Math.max(max_tokens, 1),
    stop,
  }));
  return { ...deliveryOf(completion), requests, echo };
}

function refuseRanking({ best_of, n }: CompletionBody): void {
  if (best_of === null || best_of === n) return;
  throw new ApiError(400, `'best_of' other than 'n' (${n}) is not supported; leave it out.`, {
    param: 'best_of',
    code: UNSUPPORTED_PARAMETER,
  });
}

function echoOf({ echo, max_tokens, logprobs }: CompletionBody): Echo {
  if (!echo && max_tokens === 0) {
    throw new ApiError(
      400,
      "'max_tokens' of 0 is only allowed when 'echo' is true: there would be nothing to answer.",
      {
        param: 'max_tokens',
        code: 'invalid_value',
      },
    );
  }
  if (!echo) return 'none';
  if (logprobs !== null) {
    throw new ApiError(400, "'logprobs' with 'echo' is not supported: a prompt has none here; leave one of them out.", {
      param: 'logprobs',
      code: UNSUPPORTED_PARAMETER,
    });
  }
  return max_tokens === 0 ? 'promptOnly' : 'prompt';
}
