import { Catch, type ExceptionFilter } from '@nestjs/common';
import { ProtocolError } from '@sliceway/protocol';
import { EMPTY, type Observable } from 'rxjs';
import { LogOnce } from './logging/log-once.js';

/** A message that cannot be read is counted, logged once and dropped; it hurts no other. */
@Catch(ProtocolError)
export class ProtocolErrorFilter implements ExceptionFilter {
  constructor(private readonly faults: LogOnce) {}

  catch(error: ProtocolError): Observable<never> {
    this.faults.warn('message', error);
    return EMPTY;
  }
}
