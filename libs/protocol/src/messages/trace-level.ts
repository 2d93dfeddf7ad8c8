import type { WorkerId } from '../ids.js';
import type { Role } from '../roles.js';
import { ROLES } from '../roles.js';
import { integer, object, oneOf, workerId } from './parser.js';

/** gateway to everyone: the level of the traces that begin from now on. */
export interface TraceLevelRequest {
  /** 0 off to 3 all. */
  readonly level: number;
}

/** Each one's answer: it has the level now. */
export interface TraceLevelReply {
  readonly role: Role;
  readonly instance: WorkerId;
  readonly level: number;
}

const level = integer(0, 3);
const request = object<TraceLevelRequest>({ level });
const reply = object<TraceLevelReply>({ role: oneOf(ROLES), instance: workerId, level });

/** Throws ProtocolError. */
export function parseTraceLevelRequest(value: unknown): TraceLevelRequest {
  return request(value, 'TraceLevelRequest');
}

/** Throws ProtocolError. */
export function parseTraceLevelReply(value: unknown): TraceLevelReply {
  return reply(value, 'TraceLevelReply');
}
