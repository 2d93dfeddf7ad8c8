import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ApiError } from '../openai/api-error.js';
import { sendError } from './http-answer.js';
import { httpError } from './http-errors.js';

/** Answers HTTP errors in OpenAI's shape. */
@Catch(ApiError, HttpException)
export class ApiErrorFilter implements ExceptionFilter {
  catch(error: ApiError | HttpException, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const { method, path } = http.getRequest<Request>();
    sendError(http.getResponse<Response>(), error instanceof ApiError ? error : httpError(error, method, path));
  }
}
