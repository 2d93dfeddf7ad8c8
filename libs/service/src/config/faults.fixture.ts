import type { z } from 'zod';
import { ConfigError, parseConfig } from './parse-config.js';

/** What an environment has wrong. */
export function faultsOf(schema: z.ZodObject, env: Record<string, string>): readonly string[] {
  try {
    parseConfig(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}
