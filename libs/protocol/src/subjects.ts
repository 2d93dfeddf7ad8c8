import type { WorkerId } from './ids.js';
import type { Role, WorkerRole } from './roles.js';

/** In the place of an instance: the pattern of all instances, for permissions and for tools that watch. */
export const ANY_INSTANCE = '*';

function subject(receiver: Role, instance: WorkerId, message: string): string {
  return `sw.${receiver}.${instance}.${message}`;
}

/** Every subject there is: `sw.<receiver role>.<instance>.<message>`. A service subscribes to its own instance only. */
export const subjects = {
  encode: (tokenizer: WorkerId) => subject('tokenizer', tokenizer, 'encode'),
  leg: (receiver: 'prefill' | 'decode', instance: WorkerId) => subject(receiver, instance, 'leg'),
  abort: (receiver: WorkerRole, instance: WorkerId) => subject(receiver, instance, 'abort'),
  failed: (gateway: WorkerId) => subject('gateway', gateway, 'failed'),
  bootstrap: (prefill: WorkerId) => subject('prefill', prefill, 'bootstrap'),
  credit: (prefill: WorkerId) => subject('prefill', prefill, 'credit'),
  kv: (decode: WorkerId) => subject('decode', decode, 'kv'),
  tokens: (tokenizer: WorkerId) => subject('tokenizer', tokenizer, 'tokens'),
  text: (gateway: WorkerId) => subject('gateway', gateway, 'text'),
  heartbeat: 'sw.cluster.all.heartbeat',
  traceLevel: 'sw.cluster.all.trace_level',
} as const;

/** `sw.<receiver role>.<message>` of a subject: what it has in common with those of other instances. */
export function subjectTemplate(subject: string): string {
  const [prefix, receiver, , message] = subject.split('.');
  return `${prefix}.${receiver}.${message}`;
}

/** Prefix of a role's reply inboxes, for Nest's and for nats.js's option `inboxPrefix`. */
export function inboxPrefix(role: Role): string {
  return `_INBOX_${role}`;
}
