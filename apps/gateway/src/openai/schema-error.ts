import type { z } from 'zod';
import { ApiError } from './api-error.js';
import { UNSUPPORTED_PARAMETER } from './neutral-fields.js';

/** A schema's first complaint as a client sees it. */
export function schemaError(error: z.ZodError, body: unknown): ApiError {
  const issue = error.issues[0] as z.core.$ZodIssue;
  const param = pathName(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const name = pathName([...issue.path, issue.keys[0] as string]);
    return new ApiError(400, `Unknown parameter: '${name}'.`, { param: name, code: 'unknown_parameter' });
  }
  if (issue.code === 'custom' && issue.params?.['code'] === UNSUPPORTED_PARAMETER) {
    return new ApiError(400, `Parameter '${param}' ${issue.message}.`, { param, code: UNSUPPORTED_PARAMETER });
  }
  if (issue.path.length === 0) {
    return new ApiError(400, "The request body must be a JSON object, sent as 'content-type: application/json'.", {
      code: 'invalid_type',
    });
  }
  if (valueAt(body, issue.path) === undefined) {
    return new ApiError(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
  }
  const code = issue.code === 'invalid_type' ? 'invalid_type' : 'invalid_value';
  return new ApiError(400, `Invalid value for '${param}': ${issue.message}.`, { param, code });
}

/** `messages[0].content` */
function pathName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? String(key) : `${name}.${String(key)}`;
  }, '');
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    body,
  );
}
