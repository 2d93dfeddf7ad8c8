import { ApiError } from './api-error.js';

export function modelNotFound(model: string, served: readonly string[]): ApiError {
  const names = served.map((name) => `'${name}'`).join(', ');
  return new ApiError(404, `The model '${model}' does not exist. Served here: ${names}.`, {
    param: 'model',
    code: 'model_not_found',
  });
}

/** The prompt and the tokens asked for do not fit; `maxTokens` is null when the client left it open. */
export function contextLengthExceeded(contextLength: number, promptTokens: number, maxTokens: number | null): ApiError {
  const limit = `This model's maximum context length is ${contextLength} tokens.`;
  const message =
    maxTokens === null
      ? `${limit} However, your prompt has ${promptTokens} tokens, which leaves no room for a completion. ` +
        'Please reduce the length of the prompt.'
      : `${limit} However, you requested ${promptTokens + maxTokens} tokens (${promptTokens} in the prompt, ` +
        `${maxTokens} in the completion). Please reduce the length of the prompt or completion.`;
  return new ApiError(400, message, { code: 'context_length_exceeded' });
}

export function tooManyRequests(maxConcurrent: number): ApiError {
  return new ApiError(429, `All ${maxConcurrent} request slots are taken. Please try again later.`, {
    code: 'queue_full',
    retryAfterSeconds: 1,
  });
}

/** @param missing what there is not enough of, "no prefill worker is ready" */
export function notReady(missing: string): ApiError {
  return new ApiError(503, `The service is not ready: ${missing}. Please try again later.`, {
    code: 'not_ready',
    retryAfterSeconds: 1,
  });
}

export function draining(): ApiError {
  return new ApiError(503, 'This gateway is shutting down. Please try again on a new connection.', {
    code: 'draining',
    retryAfterSeconds: 1,
    closesConnection: true,
  });
}

export function deadlineExceeded(timeoutMs: number): ApiError {
  return new ApiError(504, `The request did not finish within ${timeoutMs} ms.`, { code: 'deadline' });
}

export function internalError(cause: unknown): ApiError {
  return new ApiError(500, 'The gateway failed to process the request.', { code: 'internal_error', cause });
}
