import { json, type RequestHandler } from 'express';
import { bodyError } from './http-errors.js';

/** Parses JSON bodies up to a size; passes on an ApiError for one that is larger or malformed. */
export function jsonBody(maxBytes: number): RequestHandler {
  const parse = json({ limit: maxBytes });
  return (request, response, next) => {
    parse(request, response, (error?: unknown) => (error === undefined ? next() : next(bodyError(error, maxBytes))));
  };
}
