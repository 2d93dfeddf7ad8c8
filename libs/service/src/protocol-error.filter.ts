import { Catch, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ProtocolError } from '@sliceway/protocol';
import type { NatsContext } from '@nestjs/microservices';
import type { ServerResponse } from 'node:http';
import { EMPTY, type Observable } from 'rxjs';
import { LogOnce } from './logging/log-once.js';

/** A message that cannot be read is counted, logged once and dropped; it hurts no other. */
@Catch(ProtocolError)
export class ProtocolErrorFilter implements ExceptionFilter {
  constructor(private readonly faults: LogOnce) {}

  catch(error: ProtocolError, host: ArgumentsHost): Observable<never> | void {
    if (host.getType() === 'rpc') {
      this.faults.warn('message', error, { subject: host.switchToRpc().getContext<NatsContext>().getSubject() });
      return EMPTY;
    }
    this.faults.warn('message', error);
    // An HTTP request reached a worker's message: ours to repair, but its client is to hear something.
    const response = host.switchToHttp().getResponse<ServerResponse>();
    if (response.headersSent) return void response.destroy();
    response.statusCode = HttpStatus.INTERNAL_SERVER_ERROR;
    response.end();
  }
}
