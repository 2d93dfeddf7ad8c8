import { integer, readableFile, readSecret, refuseBoth, serviceSchema } from '@sliceway/service';
import { z } from 'zod';
import { RoutingPolicyName } from './routing/routing-policy.js';

/** What `setTimeout` takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MIB = 2 ** 20;

const policy = z.enum(Object.values(RoutingPolicyName)).default(RoutingPolicyName.powerOfTwo);

/** Items separated by commas. */
function listOf(item: RegExp, error: string) {
  return z
    .string()
    .transform((text) => textsOf(text, ','))
    .refine((items) => items.length > 0 && items.every((text) => item.test(text)), error);
}

function textsOf(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

const gatewayFields = serviceSchema.extend({
  PORT: integer(0, 65_535).default(8000).describe('port of the HTTP server; 0 takes any free one'),
  SLICEWAY_PREFILL_POLICY: policy.describe('how a prefill worker is chosen: power_of_two or round_robin'),
  SLICEWAY_DECODE_POLICY: policy.describe('how a decode worker is chosen: power_of_two or round_robin'),
  SLICEWAY_MAX_CONCURRENT_REQUESTS: integer(1)
    .default(256)
    .describe('requests at a time; one more is answered with 429'),
  SLICEWAY_MAX_QUEUED_REQUESTS: integer(1)
    .optional()
    .describe(
      'requests without a first token; one more is answered with 429. When not set: twice what the ready decode workers run at once, at least 64',
    ),
  SLICEWAY_MAX_QUEUED_TOKENS: integer(1)
    .optional()
    .describe(
      'prompt tokens and max_tokens (256 where a client gives none) of requests without a first token; more is answered with 429. When not set: 2048 for each request that may be queued',
    ),
  SLICEWAY_API_KEYS: listOf(/./, 'expected one key or more, separated by commas')
    .optional()
    .meta({ description: 'API keys, separated by commas; not set: none is asked for', secret: true }),
  SLICEWAY_API_KEYS_FILE: readableFile().optional().describe('file with a key a line, in place of SLICEWAY_API_KEYS'),
  SLICEWAY_ADMIN_TOKEN: z.string().trim().min(1).optional().meta({
    description: 'bearer token of operators; not set: they reach the gateway by a loopback HOST only',
    secret: true,
  }),
  SLICEWAY_ADMIN_TOKEN_FILE: readableFile().optional().describe('file with it, in place of SLICEWAY_ADMIN_TOKEN'),
  SLICEWAY_CORS_ORIGINS: listOf(
    /^(\*|https?:\/\/[^\s/]+)$/,
    'expected * or origins such as https://chat.example.org, separated by commas',
  )
    .optional()
    .describe("origins whose pages may call the API, separated by commas, or *; not set: none but the gateway's own"),
  SLICEWAY_MAX_BODY_BYTES: integer(1)
    .default(4 * MIB)
    .describe('largest body of an HTTP request'),
  SLICEWAY_MAX_CLIENT_BUFFER_BYTES: integer(0)
    .default(MIB)
    .describe('how much of its stream a client may leave unread before it is dropped'),
  SLICEWAY_ENCODE_TIMEOUT_MS: integer(1, MAX_TIMER_MS)
    .default(30_000)
    .describe('a tokenizer that does not answer by then counts as lost'),
  SLICEWAY_STALL_TIMEOUT_MS: integer(1, MAX_TIMER_MS)
    .default(60_000)
    .describe('after the first token, the longest time without another'),
  // OpenAI's client waits ten minutes.
  SLICEWAY_REQUEST_TIMEOUT_MS: integer(1, MAX_TIMER_MS)
    .default(600_000)
    .describe('deadline of a request; it travels to the workers'),
});
export type GatewayConfig = z.output<typeof gatewayFields>;

/** A secret, and the file that it may be in. */
const EITHER = [
  ['SLICEWAY_API_KEYS', 'SLICEWAY_API_KEYS_FILE'],
  ['SLICEWAY_ADMIN_TOKEN', 'SLICEWAY_ADMIN_TOKEN_FILE'],
] as const;

export const gatewaySchema = gatewayFields.superRefine((config, context) => refuseBoth(config, context, EITHER));

/** Empty where clients need none. */
export function apiKeysOf({ SLICEWAY_API_KEYS, SLICEWAY_API_KEYS_FILE }: GatewayConfig): readonly string[] {
  if (SLICEWAY_API_KEYS_FILE !== undefined) return textsOf(readSecret(SLICEWAY_API_KEYS_FILE), '\n');
  return SLICEWAY_API_KEYS ?? [];
}

export function adminToken({ SLICEWAY_ADMIN_TOKEN, SLICEWAY_ADMIN_TOKEN_FILE }: GatewayConfig): string | null {
  return SLICEWAY_ADMIN_TOKEN_FILE === undefined
    ? (SLICEWAY_ADMIN_TOKEN ?? null)
    : readSecret(SLICEWAY_ADMIN_TOKEN_FILE);
}
