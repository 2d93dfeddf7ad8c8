import type { HttpException } from '@nestjs/common';
import { ApiError } from '../openai/api-error.js';
import { internalError } from '../openai/api-errors.js';

/** What Nest throws on the way to a controller, in OpenAI's shape. */
export function httpError(error: HttpException, method: string, path: string): ApiError {
  const status = error.getStatus();
  if (status === 404) return new ApiError(404, `Unknown request URL: ${method} ${path}.`, { code: 'unknown_url' });
  return status < 500 ? new ApiError(status, error.message, { cause: error }) : internalError(error);
}

/** What Express's body parser throws: errors of http-errors, with a status and a type. */
export function bodyError(error: unknown, maxBytes: number): ApiError {
  const { status = 500, type } = error as { status?: number; type?: string };
  if (type === 'entity.too.large') {
    return new ApiError(413, `The request body is larger than ${maxBytes} bytes.`, { code: 'request_too_large' });
  }
  if (type === 'entity.parse.failed') {
    return new ApiError(400, 'We could not parse the JSON body of your request.', { code: 'invalid_json' });
  }
  if (status >= 500) return internalError(error);
  return new ApiError(status, `The request body could not be read: ${(error as Error).message}.`, {
    code: 'invalid_body',
    cause: error,
  });
}
