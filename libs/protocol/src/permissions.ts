import { MESSAGE_ROUTES } from './message-table.js';
import { ANY_INSTANCE, inboxPrefix } from './subjects.js';
import { Role } from './roles.js';

/** Subjects that a NATS user may use, in the terms of nats-server's configuration. */
export interface Permissions {
  readonly publish: { readonly allow: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
  /** nats-server's `allow_responses`: replies to the inbox of a request that was received, and to no other. */
  readonly allowResponses?: { readonly max: number; readonly expiresMs: number };
}

/** One reply for a request, as both Nest and NATS micro services send it; two minutes are nats-server's own default. */
const RESPONSES = { max: 1, expiresMs: 120_000 } as const;

function discovery(verbs: readonly string[]): string[] {
  return verbs.flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.>`]);
}

/**
 * Everything that a role's user may do, and no more. Credentials are a role's, not an instance's: the patterns take any
 * instance. Every role answers discovery (`$SRV`); the gateway may also ask.
 */
export function permissionsFor(role: Role): Permissions {
  const publish = new Set<string>();
  const subscribe = new Set<string>();
  for (const [, route] of MESSAGE_ROUTES) {
    if (route.receivers.includes(role)) subscribe.add(route.subject(role, ANY_INSTANCE));
    if (!route.senders.includes(role)) continue;
    for (const receiver of route.receivers) publish.add(route.subject(receiver, ANY_INSTANCE));
  }
  if (role === Role.gateway) for (const subject of discovery(['PING', 'INFO'])) publish.add(subject);
  subscribe.add(`${inboxPrefix(role)}.>`);
  subscribe.add('$SRV.>');
  return { publish: { allow: [...publish] }, subscribe: { allow: [...subscribe] }, allowResponses: RESPONSES };
}

/** A person with the `nats` command: `nats micro ls|info|stats` and the heartbeats. Sends nothing to a service. */
export const OPERATOR_PERMISSIONS: Permissions = {
  publish: { allow: discovery(['PING', 'INFO', 'STATS']) },
  subscribe: { allow: ['_INBOX.>', 'sw.cluster.all.heartbeat'] },
};
