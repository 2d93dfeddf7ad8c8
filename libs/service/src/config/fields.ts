import { z } from 'zod';

/** A whole number in a variable. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodType<number, string | undefined> {
  const allowed = `expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`;
  return z
    .string({ error: allowed })
    .regex(/^-?\d+$/, allowed)
    .transform(Number)
    .refine((value) => value >= min && value <= max, allowed);
}
