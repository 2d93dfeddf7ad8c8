import { OPERATOR_PERMISSIONS, permissionsFor, type Permissions } from './permissions.js';
import { ROLES } from './roles.js';

/**
 * The `authorization` block of a nats-server's configuration: a user per role, and the operator. Passwords are variables of
 * nats-server's environment, `GATEWAY_PASSWORD` and so on; it does not start while one of them is missing.
 */
export function natsAuthorization(): string {
  const users = [...ROLES.map((role) => userOf(role, permissionsFor(role))), userOf('operator', OPERATOR_PERMISSIONS)];
  return `authorization {\n  users: [\n${users.join('')}  ]\n}\n`;
}

function userOf(name: string, { publish, subscribe, allowResponses }: Permissions): string {
  const responses = allowResponses
    ? `        allow_responses: { max: ${allowResponses.max}, expires: "${allowResponses.expiresMs}ms" }\n`
    : '';
  return `    {
      user: ${name}
      password: $${name.toUpperCase()}_PASSWORD
      permissions: {
        publish: ${allowOnly(publish.allow)}
        subscribe: ${allowOnly(subscribe.allow)}
${responses}      }
    }
`;
}

function allowOnly(subjects: readonly string[]): string {
  return `{\n          allow: [\n${subjects.map((subject) => `            "${subject}"\n`).join('')}          ]\n        }`;
}
