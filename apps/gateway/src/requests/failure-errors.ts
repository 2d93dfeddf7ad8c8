import { FailureCode } from '@sliceway/protocol';
import { ApiError } from '../openai/api-error.js';
import { internalError } from '../openai/api-errors.js';

/** Failures that are not a worker's fault; all others are 502. */
const STATUS: Partial<Record<string, number>> = {
  [FailureCode.queueFull]: 429,
  [FailureCode.promptTooLong]: 400,
  [FailureCode.deadline]: 504,
  [FailureCode.draining]: 503,
};

/** A worker's failure as the client sees it. @param code a `FailureCode`, or one of the tokenizer's */
export function workerFailure(code: string, message: string, cause?: unknown): ApiError {
  const status = STATUS[code] ?? 502;
  return new ApiError(status, status === 502 ? `A worker failed: ${message}.` : `${message}.`, {
    code,
    cause,
    ...(status === 429 || status === 503 ? { retryAfterSeconds: 1 } : {}),
  });
}

export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : internalError(error);
}
