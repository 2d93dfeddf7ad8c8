import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { WorkerId } from '@sliceway/protocol';
import { environment } from './config/environment.config.js';
import { instanceField } from './config/fields.js';

/** A malformed one is named with all other faults of the environment, when `runService` reads it. */
const given = instanceField.safeParse(environment['SLICEWAY_INSTANCE'] || undefined).data;

/** Who this process is. Made on import: subjects in decorators need the id before Nest's modules load. */
export const identity = {
  instance: (given ?? randomBytes(4).toString('hex')) as WorkerId,
  host: hostname(),
  /** 8 hex characters. */
  hostId: createHash('sha256').update(hostname()).digest('hex').slice(0, 8),
  pid: process.pid,
  startedAtMs: Date.now(),
} as const;
