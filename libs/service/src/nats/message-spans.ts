import type { NatsContext } from '@nestjs/microservices';
import { subjectTemplate } from '@sliceway/protocol';
import {
  startProcess,
  startSend,
  type MessageDestination,
  type MessageSpan,
  type RequestTrace,
} from '@sliceway/tracing';
import { identity } from '../identity.config.js';

function destinationOf(name: string): MessageDestination {
  return { name, template: subjectTemplate(name), clientId: identity.instance };
}

/** The span of a control message that is about to be sent; null where it is not recorded. */
export function startSendSpan(trace: RequestTrace, subject: string): MessageSpan | null {
  return startSend(trace, subject, destinationOf);
}

/**
 * Handles a control message within its span, on the trace of the request that it is about.
 *
 * @param startTs when the message came
 */
export function processMessage<T>(trace: RequestTrace, context: NatsContext, handle: () => T, startTs?: number): T {
  const span = startProcess(trace, context.getHeaders(), context.getSubject(), destinationOf, startTs);
  if (span === null) return handle();
  try {
    const result = handle();
    if (result instanceof Promise) endWith(span, result);
    else span.end();
    return result;
  } catch (error) {
    span.end(reasonOf(error));
    throw error;
  }
}

/** Ends a span as some work ends. */
export function endWith(span: MessageSpan, work: Promise<unknown>): void {
  work.then(
    () => span.end(),
    (error: unknown) => span.end(reasonOf(error)),
  );
}

export function reasonOf(error: unknown): string {
  return (error instanceof Error && error.message) || String(error);
}
