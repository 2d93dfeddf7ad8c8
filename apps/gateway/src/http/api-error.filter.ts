import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { MessageErrorFilter } from '@sliceway/service';
import { withContext } from '@sliceway/tracing/active-span';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { ApiError } from '../openai/api-error.js';
import { internalError } from '../openai/api-errors.js';
import { arrivalOf } from './arrival.js';
import { sendError } from './http-answer.js';
import { httpError } from './http-errors.js';

/** Answers whatever a request ends with in OpenAI's shape. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  readonly #log = new Logger('http');

  constructor(private readonly messages: MessageErrorFilter) {}

  catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    // Handlers of messages inherit this filter, which would hide theirs.
    if (host.getType() === 'rpc') return this.messages.catch(error, host);
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    sendError(response, this.#apiError(error, http.getRequest<Request>(), response));
  }

  #apiError(error: unknown, { method, path }: Request, response: Response): ApiError {
    if (error instanceof ApiError) return error;
    if (error instanceof HttpException) return httpError(error, method, path);
    withContext(arrivalOf(response).context, () => this.#log.error(error));
    return internalError(error);
  }
}
