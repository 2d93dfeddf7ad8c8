import type { WorkerId } from '../ids.js';
import type { Role } from '../roles.js';
import { ROLES } from '../roles.js';
import { WorkerState } from './codes.js';
import type { KvFormat } from './kv-format.js';
import { kvFormat } from './kv-format.js';
import { array, count, integer, nullable, object, oneOf, string, tokenIds, u32, workerId } from './parser.js';

/** What a router weighs. Zero where a service has no such thing. */
export interface Load {
  /** Requests in the batch. */
  readonly running: number;
  readonly waiting: number;
  /** Prompt tokens of those waiting. */
  readonly queuedTokens: number;
  readonly kvPagesUsed: number;
  readonly kvPagesTotal: number;
  readonly maxRunning: number;
}

/** The model that a worker serves; the router pairs only equal fingerprints. */
export interface Serves {
  readonly model: string;
  readonly fingerprint: string;
  /** Tokens of prompt and completion together. */
  readonly contextLength: number;
  readonly backend: string;
  readonly transports: readonly string[];
  readonly kvFormat: KvFormat | null;
  readonly eosTokenIds: readonly number[];
}

/** Everyone to everyone, every `intervalMs`. */
export interface Heartbeat {
  readonly role: Role;
  readonly instance: WorkerId;
  /** Counts this process's heartbeats. */
  readonly sequence: number;
  readonly state: WorkerState;
  readonly intervalMs: number;
  readonly host: string;
  readonly pid: number;
  /** Epoch milliseconds: another value under the same instance is another process. */
  readonly startedAtMs: number;
  readonly load: Load;
  readonly serves: Serves | null;
}

const load = object<Load>({
  running: count,
  waiting: count,
  queuedTokens: count,
  kvPagesUsed: count,
  kvPagesTotal: count,
  maxRunning: count,
});

const serves = object<Serves>({
  model: string,
  fingerprint: string,
  contextLength: u32,
  backend: string,
  transports: array(string),
  kvFormat: nullable(kvFormat),
  eosTokenIds: tokenIds,
});

const heartbeat = object<Heartbeat>({
  role: oneOf(ROLES),
  instance: workerId,
  sequence: count,
  state: oneOf(Object.values(WorkerState)),
  intervalMs: integer(1, 0xffffffff),
  host: string,
  pid: u32,
  startedAtMs: count,
  load,
  serves: nullable(serves),
});

/** Throws ProtocolError. */
export function parseHeartbeat(value: unknown): Heartbeat {
  return heartbeat(value, 'Heartbeat');
}
