import type { RequestHandler } from 'express';
import { ApiError } from '../openai/api-error.js';
import { PROBE_URL, SET_TRACE_LEVEL_URL, TRACE_LEVEL_URL } from './allowed-methods.js';
import { BearerTokens } from './bearer-tokens.js';

/** Probes and scrapers have no key; operators have a token of their own, which `AdminGuard` asks for. */
const WITHOUT_KEY = [PROBE_URL, TRACE_LEVEL_URL, SET_TRACE_LEVEL_URL];

/** Asks for one of these API keys on every URL but those, unknown ones included; without keys it asks for none. */
export function apiKeys(keys: readonly string[]): RequestHandler {
  if (keys.length === 0) return (_request, _response, next) => next();
  const tokens = new BearerTokens(keys);
  return ({ path, headers }, _response, next) => {
    if (WITHOUT_KEY.some((url) => url.test(path)) || tokens.accepts(headers.authorization)) next();
    else next(invalidApiKey(headers.authorization));
  };
}

function invalidApiKey(authorization: string | undefined): ApiError {
  const message =
    authorization === undefined
      ? 'You didn\'t provide an API key. Set the header "Authorization: Bearer <API key>".'
      : 'Incorrect API key provided.';
  return new ApiError(401, message, { code: 'invalid_api_key' });
}
