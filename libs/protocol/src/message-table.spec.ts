import { MESSAGE_ROUTES, MESSAGES } from './message-table.js';
import { ROLES } from './roles.js';
import { ANY_INSTANCE, subjects, subjectTemplate } from './subjects.js';

const pairs = MESSAGE_ROUTES.flatMap(([message, route]) =>
  route.receivers.map((receiver) => ({ message, route, receiver })),
);

it.each(pairs)('$message to $receiver follows sw.<receiver>.<instance>.<message>', ({ message, route, receiver }) => {
  const ofCluster = message === 'heartbeat' || message === 'trace_level';
  for (const instance of ['0a1b2c3d', ANY_INSTANCE]) {
    expect(route.subject(receiver, instance)).toBe(
      ofCluster ? `sw.cluster.all.${message}` : `sw.${receiver}.${instance}.${message}`,
    );
  }
});

it.each(pairs)('the template of $message to $receiver names no instance', ({ message, route, receiver }) => {
  const templates = ['0a1b2c3d', ANY_INSTANCE].map((instance) => subjectTemplate(route.subject(receiver, instance)));
  const ofCluster = message === 'heartbeat' || message === 'trace_level';
  const expected = `sw.${ofCluster ? 'cluster' : receiver}.${message}`;
  expect(templates).toEqual([expected, expected]);
});

it('has a row for every subject', () => {
  const made = Object.values(subjects).map((subject) =>
    typeof subject === 'string' ? subject : (subject as (...args: string[]) => string)('prefill', 'prefill'),
  );
  const messages = made.map((subject) => subject.split('.').at(-1)!);
  expect(messages.sort()).toEqual(Object.keys(MESSAGES).sort());
});

it('knows only roles, and no message that nobody sends or takes', () => {
  for (const [, { senders, receivers }] of MESSAGE_ROUTES) {
    for (const roles of [senders, receivers]) {
      expect(roles.length).toBeGreaterThan(0);
      expect(ROLES).toEqual(expect.arrayContaining([...roles]));
    }
  }
});
