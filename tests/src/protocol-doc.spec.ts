import {
  AbortReason,
  FailureCode,
  FinishReason,
  MESSAGE_ROUTES,
  permissionsFor,
  ROLES,
  WorkerState,
  type Role,
} from '@sliceway/protocol';
import { ContextHeader } from '@sliceway/tracing';
import { codeIn, DocPage } from './doc-page.fixture.js';

const page = new DocPage('protocol.md');

function names(roles: readonly Role[]): string {
  return roles.length === ROLES.length ? 'everyone' : roles.join(', ');
}

it('has the subjects of the code, with sender, receiver, payload and transport', () => {
  const travelsAs = { request: 'Nest request/reply', event: 'Nest event', frame: 'raw frame' };
  const rows = MESSAGE_ROUTES.flatMap(([, route]) => {
    const made = new Set(route.receivers.map((receiver) => route.subject(receiver, '<id>')));
    return [...made].map((subject) => {
      const receivers = route.receivers.filter((receiver) => route.subject(receiver, '<id>') === subject);
      return [
        `\`${subject}\``,
        names(route.senders),
        names(receivers),
        `\`${route.payload(receivers[0]!)}\``,
        travelsAs[route.kind],
      ];
    });
  });
  expect(page.tableOf('Subjects')).toEqual(rows);
});

it('has the permissions of the code', () => {
  const rows = page.tableOf('Permissions').map(([role, publish, subscribe]) => ({
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
  expect(page.tableOf('Headers').map(([name]) => codeIn(name!)[0])).toEqual(Object.values(ContextHeader));
});

it.each([
  ['Failure codes', FailureCode],
  ['Abort reasons', AbortReason],
  ['Worker states', WorkerState],
])('%s are those of the code', (title, codes) => {
  const paragraph = page
    .section('JSON messages')
    .split('\n\n')
    .find((text) => text.startsWith(`${title}:`));
  expect(codeIn(paragraph ?? '')).toEqual(Object.values(codes));
});

it('has the finish reasons of the code', () => {
  const listed = Object.entries(FinishReason).map(([name, value]) => `${value} ${name}`);
  expect(page.section('Frames')).toContain(`\`finish\` in all frames: ${listed.join(', ')}.`);
});
