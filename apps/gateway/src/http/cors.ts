import type { CorsOptionsDelegate } from '@nestjs/common/interfaces/external/cors-options.interface.js';
import type { Request } from 'express';

/** Pages of other origins may call models, and nothing of operators'. */
const API = /^\/(v1|generate)(\/|$)/i;
const PREFLIGHT_SECONDS = 600;

/** What browsers are told about pages of other origins, for Nest's `enableCors`. @param origins `*` is any */
export function corsFor(origins: readonly string[]): CorsOptionsDelegate<Request> {
  const options = {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PUT'],
    exposedHeaders: ['x-request-id', 'traceparent', 'retry-after'],
    maxAge: PREFLIGHT_SECONDS,
  };
  return ({ path }, answer) => answer(null, API.test(path) ? options : { origin: false });
}
