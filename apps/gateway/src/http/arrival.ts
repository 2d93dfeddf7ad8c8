import { randomBytes } from 'node:crypto';
import { now } from '@sliceway/tracing';
import type { NextFunction, Request, Response } from 'express';

/** What is known of an HTTP request from its first line on. */
export interface Arrival {
  /** 32 hex characters; sent back as `x-request-id`. */
  readonly rid: string;
  /** When its headers had come, as `now()` gives it. */
  readonly receivedTs: number;
}

const arrivals = new WeakMap<Response, Arrival>();

/** Gives every request its id, before anything can answer it. */
export function arrivalMiddleware(_request: Request, response: Response, next: NextFunction): void {
  const arrival = { rid: randomBytes(16).toString('hex'), receivedTs: now() };
  arrivals.set(response, arrival);
  response.setHeader('x-request-id', arrival.rid);
  next();
}

export function arrivalOf(response: Response): Arrival {
  const arrival = arrivals.get(response);
  if (arrival === undefined) throw new Error('The request did not come through arrivalMiddleware.');
  return arrival;
}
