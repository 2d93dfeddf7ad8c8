import { readFileSync } from 'node:fs';
import { natsAuthorization } from './nats-authorization.js';

const FILE = new URL('../../../infra/nats/permissions.conf', import.meta.url);

it('infra/nats/permissions.conf is what `npm run nats-permissions` makes of the table of messages', () => {
  const [comment, ...lines] = readFileSync(FILE, 'utf8').split('\n');
  expect(comment).toMatch(/^# .*npm run nats-permissions/);
  expect(lines.join('\n')).toBe(natsAuthorization());
});
