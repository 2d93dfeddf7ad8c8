import type { EncodePrompt } from '@sliceway/protocol';
import { ApiError } from '../openai/api-error.js';
import { notReady } from '../openai/api-errors.js';
import { parseBody } from '../openai/parse-body.js';
import { refuseMinOverMax, samplingOf } from '../openai/sampling.js';
import type { GenerationRequest } from '../requests/generation-request.js';
import {
  generateSchema,
  samplingListSchema,
  samplingSchema,
  type GenerateBody,
  type GenerateSampling,
} from './generate-schema.js';

export interface GenerateRequest {
  /** One a prompt; all with the same number of choices. */
  readonly requests: readonly GenerationRequest[];
  /** The answer is a list: several prompts, or several choices. */
  readonly isBatch: boolean;
  readonly stream: boolean;
  /** What the client calls its results, one a choice; null where it said nothing. */
  readonly names: readonly string[] | null;
  readonly withPromptIds: boolean;
  readonly withTopLogprobs: boolean;
  readonly withLogprobText: boolean;
}

/**
 * Reads the body of SGLang's `POST /generate`.
 *
 * @param served names of the models: SGLang's API does not name one
 * @throws ApiError 400, naming the field; 503 if nothing is served
 */
export function parseGenerateRequest(body: unknown, served: readonly string[]): GenerateRequest {
  const generate = parseBody(generateSchema, body);
  const { isList, prompts } = promptsOf(generate);
  const params = samplingParamsOf(generate, prompts.length, isList);
  const model = modelOf(generate.model, served);
  const requests = prompts.map((prompt, index) => requestOf(model, prompt, params[index]!, generate));
  const choices = params[0]!.n;
  return {
    requests,
    isBatch: isList || choices > 1,
    stream: generate.stream,
    names: namesOf(generate.rid, prompts.length, choices, isList),
    withPromptIds: generate.return_prompt_token_ids,
    withTopLogprobs: generate.top_logprobs_num > 0,
    withLogprobText: generate.return_text_in_logprobs,
  };
}

function promptsOf({ text, input_ids }: GenerateBody): { isList: boolean; prompts: EncodePrompt[] } {
  if ((text === null) === (input_ids === null)) {
    throw invalid('text', "Send a prompt as either 'text' or 'input_ids'.");
  }
  if (text !== null) {
    return Array.isArray(text)
      ? { isList: true, prompts: text.map((one) => ({ text: one })) }
      : { isList: false, prompts: [{ text }] };
  }
  const ids = input_ids as number[] | number[][];
  return isNested(ids)
    ? { isList: true, prompts: ids.map((one) => ({ ids: one })) }
    : { isList: false, prompts: [{ ids }] };
}

const isNested = (ids: number[] | number[][]): ids is number[][] => Array.isArray(ids[0]);

/** One a prompt. */
function samplingParamsOf({ sampling_params }: GenerateBody, prompts: number, isList: boolean): GenerateSampling[] {
  if (!Array.isArray(sampling_params)) {
    const one = parseBody(samplingSchema, { sampling_params }).sampling_params;
    return new Array<GenerateSampling>(prompts).fill(one);
  }
  const list = parseBody(samplingListSchema, { sampling_params }).sampling_params;
  if (!isList || list.length !== prompts) {
    throw invalid('sampling_params', `A list of 'sampling_params' must have one for each of the ${prompts} prompts.`);
  }
  if (list.some(({ n }) => n !== list[0]!.n)) {
    throw invalid('sampling_params', "All 'sampling_params' of a list must have the same 'n'.");
  }
  return list;
}

function requestOf(
  model: string,
  prompt: EncodePrompt,
  params: GenerateSampling,
  { return_logprob, top_logprobs_num }: GenerateBody,
): GenerationRequest {
  const { n, max_new_tokens, min_new_tokens, sampling_seed, stop } = params;
  refuseMinOverMax('sampling_params.min_new_tokens', min_new_tokens, 'max_new_tokens', max_new_tokens);
  if (!return_logprob && top_logprobs_num > 0) {
    throw invalid('top_logprobs_num', "'top_logprobs_num' is only allowed when 'return_logprob' is true.");
  }
  const logprobs = return_logprob ? top_logprobs_num : null;
  return {
    model,
    prompt,
    withPromptText: false,
    choices: n,
    sampling: samplingOf(params, { seed: sampling_seed, minTokens: min_new_tokens, logprobs }),
    seed: sampling_seed,
    maxTokens: max_new_tokens,
    stop,
  };
}

function modelOf(wanted: string | null, served: readonly string[]): string {
  if (wanted !== null) return wanted;
  if (served.length === 0) throw notReady('no model is served yet');
  if (served.length === 1) return served[0]!;
  const names = served.map((name) => `'${name}'`).join(', ');
  throw new ApiError(400, `Several models are served here; send 'model' with one of ${names}.`, {
    param: 'model',
    code: 'missing_required_parameter',
  });
}

/** As SGLang does: one name for a batch gets numbers, a list of them is one a prompt. */
function namesOf(
  rid: string | string[] | null,
  prompts: number,
  choices: number,
  isList: boolean,
): readonly string[] | null {
  const results = prompts * choices;
  if (rid === null) return null;
  if (typeof rid === 'string') {
    return isList || choices > 1 ? Array.from({ length: results }, (_, index) => `${rid}_${index}`) : [rid];
  }
  if (rid.length !== prompts) throw invalid('rid', `A list of 'rid' must have one for each of the ${prompts} prompts.`);
  if (new Set(rid).size !== rid.length) throw invalid('rid', "A list of 'rid' must not have the same one twice.");
  if (choices === 1) return rid;
  return Array.from({ length: results }, (_, i) => `${rid[Math.floor(i / choices)]}_${i % choices}`);
}

function invalid(param: string, message: string): ApiError {
  return new ApiError(400, message, { param, code: 'invalid_value' });
}
