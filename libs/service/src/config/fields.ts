import { z } from 'zod';

/** A whole number in a variable, a multiple of `step`. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER, step = 1): z.ZodType<number, string | undefined> {
  const number = step === 1 ? 'whole number' : `multiple of ${step}`;
  const allowed = `expected a ${number} ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`;
  return z
    .string({ error: allowed })
    .regex(/^-?\d+$/, allowed)
    .transform(Number)
    .refine((value) => value >= min && value <= max && value % step === 0, allowed);
}

/** A switch in a variable: `true` or `1`, `false` or `0`. */
export function flag(): z.ZodType<boolean, string | undefined> {
  return z
    .enum(['true', '1', 'false', '0'], { error: 'expected true, 1, false or 0' })
    .transform((value) => value === 'true' || value === '1');
}

const NATS_SERVER = /^((nats|tls):\/\/)?([^\s/@]+@)?(\[[0-9a-f:.]+\]|[^\s/@:]+)(:\d+)?\/?$/i;

/** Addresses of nats-server, separated by commas. */
export function natsServers(): z.ZodType<string, string | undefined> {
  const allowed = 'expected nats://host:port, or several of them separated by commas';
  return z.string().refine((value) => value.split(',').every((server) => NATS_SERVER.test(server.trim())), allowed);
}

/** The id of a process in the cluster. */
export const instanceField = z
  .string()
  .regex(/^[0-9a-f]{8}$/, 'expected 8 lowercase hex characters')
  .optional()
  .describe('id of this process in the cluster; random when not set');
