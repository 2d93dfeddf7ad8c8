import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { WorkerId } from '@sliceway/protocol';
import { z } from 'zod';
import { environment } from './config/environment.config.js';
import { parseConfig } from './config/parse-config.js';

const schema = z.object({
  SLICEWAY_INSTANCE: z
    .string()
    .regex(/^[0-9a-f]{8}$/, 'expected 8 lowercase hex characters')
    .default(() => randomBytes(4).toString('hex'))
    .describe('id of this process in the cluster; random when not set'),
});

/** Who this process is. Made on import: subjects in decorators need the id before Nest's modules load. */
export const identity = {
  instance: parseConfig(schema, environment).SLICEWAY_INSTANCE as WorkerId,
  host: hostname(),
  hostId: createHash('sha256').update(hostname()).digest('hex').slice(0, 8),
  pid: process.pid,
  startedAtMs: Date.now(),
} as const;
