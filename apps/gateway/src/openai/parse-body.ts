import type { z } from 'zod';
import { schemaError } from './schema-error.js';

/** @throws ApiError 400 for the schema's first complaint */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (!result.success) throw schemaError(result.error, body);
  return result.data;
}
