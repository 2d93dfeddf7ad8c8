import { readFileSync } from 'node:fs';
import { HeaderName } from './headers.js';
import { MESSAGE_ROUTES } from './message-table.js';
import { AbortReason, FailureCode, FinishReason, WorkerState } from './messages/codes.js';
import { permissionsFor } from './permissions.js';
import type { Role } from './roles.js';
import { ROLES } from './roles.js';

const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

function section(heading: string): string {
  const [, body] = page.split(`\n## ${heading}\n`);
  if (body === undefined) throw new Error(`docs/protocol.md has no section "${heading}"`);
  return body.split('\n## ')[0]!;
}

/** Cells of the section's first table, without its head. */
function tableOf(heading: string): string[][] {
  const rows = section(heading)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.slice(2);
}

function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

function names(roles: readonly Role[]): string {
  return roles.length === ROLES.length ? 'everyone' : roles.join(', ');
}

it('has the subjects of the code, with sender, receiver, payload and transport', () => {
  const travelsAs = { request: 'Nest request/reply', event: 'Nest event', frame: 'raw frame' };
  const rows = MESSAGE_ROUTES.flatMap(([, route]) => {
    const made = new Set(route.receivers.map((receiver) => route.subject(receiver, '<id>')));
    return [...made].map((subject) => {
      const receivers = route.receivers.filter((receiver) => route.subject(receiver, '<id>') === subject);
      const payload = route.payload(receivers[0]!);
      return [
        `\`${subject}\``,
        names(route.senders),
        names(receivers),
        payload === null ? 'reserved' : `\`${payload}\``,
        travelsAs[route.kind],
      ];
    });
  });
  expect(tableOf('Subjects')).toEqual(rows);
});

it('has the permissions of the code', () => {
  const rows = tableOf('Permissions').map(([role, publish, subscribe]) => ({
    role,
    publish: codeIn(publish!).sort(),
    subscribe: codeIn(subscribe!).sort(),
  }));
  const expected = ROLES.map((role) => {
    const { publish, subscribe } = permissionsFor(role);
    return { role, publish: [...publish.allow].sort(), subscribe: [...subscribe.allow].sort() };
  });
  expect(rows).toEqual(expected);
});

it('has the headers of the code', () => {
  expect(tableOf('Headers').map(([name]) => codeIn(name!)[0])).toEqual(Object.values(HeaderName));
});

it.each([
  ['Failure codes', FailureCode],
  ['Abort reasons', AbortReason],
  ['Worker states', WorkerState],
])('%s are those of the code', (title, codes) => {
  const paragraph = section('JSON messages')
    .split('\n\n')
    .find((text) => text.startsWith(`${title}:`));
  expect(codeIn(paragraph ?? '')).toEqual(Object.values(codes));
});

it('has the finish reasons of the code', () => {
  const listed = Object.entries(FinishReason).map(([name, value]) => `${value} ${name}`);
  expect(section('Frames')).toContain(`\`finish\` in all frames: ${listed.join(', ')}.`);
});
