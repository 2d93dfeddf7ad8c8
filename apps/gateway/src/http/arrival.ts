import { randomBytes } from 'node:crypto';
import { ContextHeader, countMalformed, now, recordCarrier, type ContextCarrier } from '@sliceway/tracing';
import { activeContext, activeParent, setActiveRid, type ActiveContext } from '@sliceway/tracing/active-span';
import type { NextFunction, Request, Response } from 'express';

/** What is known of an HTTP request from its first line on. */
export interface Arrival {
  /** 32 hex characters; sent back as `x-request-id`. */
  readonly rid: string;
  /** When its headers had come, as `now()` gives it. */
  readonly receivedTs: number;
  /** What its trace hangs on: the span of the HTTP request, else what the client sent. */
  readonly parent: ContextCarrier;
  /** For lines of the log that no request's logger writes. */
  readonly context: ActiveContext;
}

const arrivals = new WeakMap<Response, Arrival>();

/** Gives every request its id, before anything can answer it. */
export function arrivalMiddleware(request: Request, response: Response, next: NextFunction): void {
  const received = recordCarrier(request.headers);
  const active = activeParent();
  const arrival = {
    rid: randomBytes(16).toString('hex'),
    receivedTs: now(),
    parent: active ?? received,
    context: activeContext(),
  };
  arrivals.set(response, arrival);
  response.setHeader('x-request-id', arrival.rid);
  if (active !== undefined) {
    // What is answered before there is a trace of ours has that of the HTTP request.
    response.setHeader(ContextHeader.traceparent, active.get(ContextHeader.traceparent)!);
    if (request.headers[ContextHeader.traceparent] !== undefined) countMalformed(received);
  }
  setActiveRid(arrival.rid);
  next();
}

export function arrivalOf(response: Response): Arrival {
  const arrival = arrivals.get(response);
  if (arrival === undefined) throw new Error('The request did not come through arrivalMiddleware.');
  return arrival;
}
