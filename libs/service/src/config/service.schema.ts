import { z } from 'zod';
import { instanceField, integer } from './fields.js';
import { natsSchema } from './nats.schema.js';

/** What every service reads. The descriptions make the tables of the docs. */
export const serviceSchema = natsSchema.extend({
  HOST: z.string().default('127.0.0.1').describe('address of the HTTP server'),
  PORT: integer(0, 65_535).default(0).describe('port of the HTTP server; 0 takes any free one'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  SLICEWAY_INSTANCE: instanceField,
  SLICEWAY_HEARTBEAT_INTERVAL_MS: integer(50, 60_000)
    .default(1000)
    .describe('time between heartbeats; a peer is lost after three missed ones'),
  SLICEWAY_DRAIN_TIMEOUT_MS: integer(0)
    .default(30_000)
    .describe('after SIGTERM, how long running requests may take to end'),
  SLICEWAY_TRACE_LEVEL: integer(0, 3).default(2).describe('0 off, 1 important slices, 2 all but nested, 3 all'),
  SLICEWAY_TRACE_DIRECTORY: z
    .string()
    .optional()
    .describe('where the last traces are kept, in bounded files, when no OTLP endpoint is set'),
});
export type ServiceConfig = z.output<typeof serviceSchema>;
