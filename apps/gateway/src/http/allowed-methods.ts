import type { RequestHandler } from 'express';
import { ApiError } from '../openai/api-error.js';

const GET = ['GET', 'HEAD'];
/** Of probes and scrapers. */
export const PROBE_URL = /^\/(health(\/live|\/ready)?|metrics)\/?$/i;
export const TRACE_LEVEL_URL = /^\/admin\/trace-level\/?$/i;
/** The same, as SGLang has it. */
export const SET_TRACE_LEVEL_URL = /^\/set_trace_level\/?$/i;

/** What each URL takes, as OpenAI and SGLang have it. */
const METHODS: readonly (readonly [url: RegExp, methods: readonly string[]])[] = [
  [/^\/v1\/(chat\/)?completions\/?$/i, ['POST']],
  [/^\/generate\/?$/i, ['POST', 'PUT']],
  [/^\/v1\/models(\/.*)?$/i, GET],
  [TRACE_LEVEL_URL, ['PUT']],
  [SET_TRACE_LEVEL_URL, GET],
  [PROBE_URL, GET],
];

/** Answers OPTIONS, and any other method that a URL does not take with 405; both name those that it takes. */
export const allowedMethods: RequestHandler = ({ method, path }, response, next) => {
  const allowed = METHODS.find(([url]) => url.test(path))?.[1];
  if (allowed === undefined || allowed.includes(method)) {
    next();
    return;
  }
  response.setHeader('allow', [...allowed, 'OPTIONS'].join(', '));
  if (method === 'OPTIONS') response.status(204).end();
  else next(methodNotAllowed(method, path, allowed));
};

function methodNotAllowed(method: string, path: string, allowed: readonly string[]): ApiError {
  return new ApiError(405, `Not allowed to ${method} on ${path}; use ${allowed.join(' or ')}.`, {
    code: 'method_not_allowed',
  });
}
