import { Catch, HttpStatus, type ArgumentsHost, type HttpServer } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { NatsContext } from '@nestjs/microservices';
import { ProtocolError } from '@sliceway/protocol';
import { requestTrace } from '@sliceway/tracing';
import type { ServerResponse } from 'node:http';
import { EMPTY, throwError, type Observable } from 'rxjs';
import type { LogOnce } from './logging/log-once.js';
import { requestLogger, type Logger } from './logging/logger.js';

/**
 * A message that cannot be read is counted, logged once and dropped; it hurts no other. An error of a handler is logged with the request
 * that the message was about. Errors of HTTP requests are Nest's.
 */
@Catch()
export class MessageErrorFilter extends BaseExceptionFilter {
  constructor(
    private readonly faults: LogOnce,
    private readonly logger: Logger,
    http?: HttpServer,
  ) {
    super(http);
  }

  override catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    if (host.getType() === 'rpc') return this.#catchMessage(error, host);
    if (!(error instanceof ProtocolError)) return super.catch(error, host);
    this.faults.warn('message', error);
    // An HTTP request reached a worker's message: ours to repair, but its client is to hear something.
    const response = host.switchToHttp().getResponse<ServerResponse>();
    if (response.headersSent) return void response.destroy();
    response.statusCode = HttpStatus.INTERNAL_SERVER_ERROR;
    response.end();
  }

  #catchMessage(error: unknown, host: ArgumentsHost): Observable<never> {
    const rpc = host.switchToRpc();
    const subject = rpc.getContext<NatsContext>().getSubject();
    if (error instanceof ProtocolError) {
      this.faults.warn('message', error, { subject });
      return EMPTY;
    }
    const { rid = '' } = rpc.getData<{ readonly rid?: string } | null>() ?? {};
    requestLogger(this.logger, rid, requestTrace(rid)).error({ subject, error }, 'a message handler failed');
    // As Nest answers whoever waits for one.
    return throwError(() => ({ status: 'error', message: 'Internal server error' }));
  }
}
