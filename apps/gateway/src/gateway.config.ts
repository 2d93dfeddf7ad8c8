import { integer, serviceSchema } from '@sliceway/service';
import { z } from 'zod';
import { RoutingPolicyName } from './routing/routing-policy.js';

/** What `setTimeout` takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MIB = 2 ** 20;

const policy = z.enum(Object.values(RoutingPolicyName)).default(RoutingPolicyName.powerOfTwo);

export const gatewaySchema = serviceSchema.extend({
  PORT: integer(0, 65_535).default(8000).describe('port of the HTTP server; 0 takes any free one'),
  SLICEWAY_PREFILL_POLICY: policy.describe('how a prefill worker is chosen'),
  SLICEWAY_DECODE_POLICY: policy.describe('how a decode worker is chosen'),
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
  SLICEWAY_ADMIN_TOKEN: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'what PUT /admin/trace-level asks for as a bearer token; not set: nothing', secret: true }),
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
export type GatewayConfig = z.output<typeof gatewaySchema>;
