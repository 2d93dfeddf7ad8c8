import type { WorkerId } from './ids.js';
import { Role, ROLES, WORKER_ROLES } from './roles.js';
import { subjects } from './subjects.js';

/** How a message travels: Nest request/reply, Nest event, or a binary frame on the raw connection. */
export type MessageKind = 'request' | 'event' | 'frame';

export interface MessageRoute {
  readonly kind: MessageKind;
  readonly senders: readonly Role[];
  readonly receivers: readonly Role[];
  /** The type of this library that the payload has, by receiver. */
  payload(receiver: Role): string;
  /** `instance` may be `ANY_INSTANCE`. Subjects of the whole cluster ignore both arguments. */
  subject(receiver: Role, instance: WorkerId): string;
}

/**
 * Who says what to whom. Permissions are derived from it and docs/protocol.md is compared with it, so a message that is
 * not here is refused by a broker that enforces them.
 */
export const MESSAGES = {
  encode: {
    kind: 'request',
    senders: [Role.gateway],
    receivers: [Role.tokenizer],
    payload: () => 'EncodeRequest',
    subject: (_, instance) => subjects.encode(instance),
  },
  leg: {
    kind: 'event',
    senders: [Role.gateway],
    receivers: [Role.prefill, Role.decode],
    payload: (receiver) => (receiver === Role.prefill ? 'PrefillLeg' : 'DecodeLeg'),
    subject: (receiver, instance) => subjects.leg(receiver as 'prefill' | 'decode', instance),
  },
  abort: {
    kind: 'event',
    senders: [Role.gateway],
    receivers: WORKER_ROLES,
    payload: () => 'Abort',
    subject: (receiver, instance) => subjects.abort(receiver as 'tokenizer' | 'prefill' | 'decode', instance),
  },
  failed: {
    kind: 'event',
    senders: WORKER_ROLES,
    receivers: [Role.gateway],
    payload: () => 'Failed',
    subject: (_, instance) => subjects.failed(instance),
  },
  bootstrap: {
    kind: 'event',
    senders: [Role.decode],
    receivers: [Role.prefill],
    payload: () => 'Bootstrap',
    subject: (_, instance) => subjects.bootstrap(instance),
  },
  credit: {
    kind: 'frame',
    senders: [Role.decode],
    receivers: [Role.prefill],
    payload: () => 'CreditFrame',
    subject: (_, instance) => subjects.credit(instance),
  },
  kv: {
    kind: 'frame',
    senders: [Role.prefill],
    receivers: [Role.decode],
    payload: () => 'KvFrame',
    subject: (_, instance) => subjects.kv(instance),
  },
  tokens: {
    kind: 'frame',
    senders: [Role.prefill, Role.decode],
    receivers: [Role.tokenizer],
    payload: () => 'TokenFrame',
    subject: (_, instance) => subjects.tokens(instance),
  },
  text: {
    kind: 'frame',
    senders: [Role.tokenizer],
    receivers: [Role.gateway],
    payload: () => 'TextFrame',
    subject: (_, instance) => subjects.text(instance),
  },
  heartbeat: {
    kind: 'event',
    senders: ROLES,
    receivers: ROLES,
    payload: () => 'Heartbeat',
    subject: () => subjects.heartbeat,
  },
  trace_level: {
    kind: 'request',
    senders: [Role.gateway],
    receivers: ROLES,
    payload: () => 'TraceLevelRequest',
    subject: () => subjects.traceLevel,
  },
} as const satisfies Record<string, MessageRoute>;

export type MessageName = keyof typeof MESSAGES;

/** The table as rows, for code that derives something from all of it. */
export const MESSAGE_ROUTES: readonly (readonly [MessageName, MessageRoute])[] = Object.entries(MESSAGES) as [
  MessageName,
  MessageRoute,
][];
