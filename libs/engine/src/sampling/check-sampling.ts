import type { SamplingParams } from './sampling-params.js';

const MAX_U32 = 0xffff_ffff;
/** OpenAI's bounds. */
const MAX_LOGPROBS = 20;
const MAX_BIAS = 100;

/**
 * The first fault of a request's parameters, if there is one. The bounds are those of SGLang's SamplingParams.verify,
 * and OpenAI's for what SGLang leaves open (logprobs, bias); OpenAI's temperature of at most 2 is its API's affair.
 */
export function checkSamplingParams(params: SamplingParams, vocabSize: number): string | undefined {
  const token = `a token id from 0 to ${vocabSize - 1}`;
  const isToken = (value: number): boolean => isInteger(value, 0, vocabSize - 1);
  return (
    fault('temperature', params.temperature, 'a finite number of at least 0', (v) => isWithin(v, 0, Infinity)) ??
    fault('topP', params.topP, 'in (0, 1]', (v) => v > 0 && isWithin(v, 0, 1)) ??
    fault('topK', params.topK, 'an integer of at least 0, where 0 is no limit', (v) => isInteger(v, 0, MAX_U32)) ??
    fault('minP', params.minP, 'in [0, 1]', (v) => isWithin(v, 0, 1)) ??
    fault('presencePenalty', params.presencePenalty, 'in [-2, 2]', (v) => isWithin(v, -2, 2)) ??
    fault('frequencyPenalty', params.frequencyPenalty, 'in [-2, 2]', (v) => isWithin(v, -2, 2)) ??
    fault('repetitionPenalty', params.repetitionPenalty, 'in (0, 2]', (v) => v > 0 && isWithin(v, 0, 2)) ??
    firstFault(
      params.logitBias,
      ([id, bias], at) =>
        fault(`logitBias[${at}] token`, id, token, isToken) ??
        fault(`logitBias[${at}] of token ${id}`, bias, `in [-${MAX_BIAS}, ${MAX_BIAS}]`, (v) =>
          isWithin(v, -MAX_BIAS, MAX_BIAS),
        ),
    ) ??
    fault('seed', params.seed, `an integer from 0 to ${MAX_U32}`, (v) => isInteger(v, 0, MAX_U32)) ??
    fault('maxNewTokens', params.maxNewTokens, 'an integer of at least 1', (v) => isInteger(v, 1, MAX_U32)) ??
    fault('minTokens', params.minTokens, `an integer from 0 to maxNewTokens, ${params.maxNewTokens}`, (v) =>
      isInteger(v, 0, params.maxNewTokens),
    ) ??
    firstFault(params.stopTokenIds, (id, at) => fault(`stopTokenIds[${at}]`, id, token, isToken)) ??
    (params.logprobs === null
      ? undefined
      : fault('logprobs', params.logprobs, `null or an integer from 0 to ${MAX_LOGPROBS}`, (v) =>
          isInteger(v, 0, MAX_LOGPROBS),
        ))
  );
}

function fault(name: string, value: number, wanted: string, accepts: (value: number) => boolean): string | undefined {
  return accepts(value) ? undefined : `${name} must be ${wanted}, got ${value}`;
}

function firstFault<T>(list: readonly T[], check: (item: T, at: number) => string | undefined): string | undefined {
  for (const [at, item] of list.entries()) {
    const found = check(item, at);
    if (found) return found;
  }
  return undefined;
}

/** False for NaN, infinities and what is no number. */
function isWithin(value: number, low: number, high: number): boolean {
  return Number.isFinite(value) && value >= low && value <= high;
}

function isInteger(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
