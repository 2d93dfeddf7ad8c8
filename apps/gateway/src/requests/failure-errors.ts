import { FailureCode, type Failed } from '@sliceway/protocol';
import { ApiError } from '../openai/api-error.js';
import { internalError } from '../openai/api-errors.js';

/** Failures that are not a worker's fault; all others are 502. */
const STATUS: Partial<Record<FailureCode, number>> = {
  [FailureCode.queueFull]: 429,
  [FailureCode.promptTooLong]: 400,
  // A token id outside the vocabulary: only workers know how large it is.
  [FailureCode.badMessage]: 400,
  [FailureCode.deadline]: 504,
  [FailureCode.draining]: 503,
};

/** A worker's failure as the client sees it. */
export function workerFailure(code: FailureCode, message: string, cause?: unknown): ApiError {
  const status = STATUS[code] ?? 502;
  return new ApiError(status, status === 502 ? `A worker failed: ${message}.` : `${message}.`, {
    code,
    cause,
    ...(status === 429 || status === 503 ? { retryAfterSeconds: 1 } : {}),
  });
}

/** What a worker reports as the client sees it. */
export function reportedFailure({ code, message, from }: Failed): ApiError {
  return workerFailure(code, `${from.role} ${from.instance}: ${message}`);
}

/** Refusals of a tokenizer that are not the prompt's fault. */
const NOT_THE_PROMPT: ReadonlySet<string> = new Set([
  FailureCode.queueFull,
  FailureCode.draining,
  FailureCode.deadline,
]);

/** A tokenizer's refusal: of the prompt, unless it has no room or no time. @param code of the encode reply */
export function encodeFailure(code: string, message: string): ApiError {
  if (NOT_THE_PROMPT.has(code)) return workerFailure(code as FailureCode, message);
  const openAiCode = code === FailureCode.promptTooLong ? 'context_length_exceeded' : code;
  return new ApiError(400, `The prompt cannot be encoded: ${message}.`, { code: openAiCode });
}

export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : internalError(error);
}
