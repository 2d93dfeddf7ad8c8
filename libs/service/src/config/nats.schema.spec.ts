import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialsOf, tlsOf } from '../nats/credentials.js';
import { faultsOf } from './faults.fixture.js';
import { checkNatsConfig, natsSchema } from './nats.schema.js';
import { parseConfig } from './parse-config.js';

const folder = mkdtempSync(join(tmpdir(), 'sliceway-nats-schema-'));
const file = join(folder, 'file');
writeFileSync(file, 'text\n');
afterAll(() => rmSync(folder, { recursive: true }));

const schema = natsSchema.superRefine(checkNatsConfig);

it.each<Record<string, string>>([
  {},
  { NATS_USER: 'u', NATS_PASSWORD: 'p' },
  { NATS_USER: 'u', NATS_PASSWORD_FILE: file },
  { NATS_CREDS: file },
  { NATS_CA: file },
  { NATS_CERT: file, NATS_KEY: file },
  { NATS_URL: 'nats://u:p@h' },
])('takes %j', (env) => {
  expect(faultsOf(schema, env)).toEqual([]);
});

it.each<[Record<string, string>, string[]]>([
  [{ NATS_USER: 'u' }, ['NATS_USER']],
  [{ NATS_PASSWORD: 'p' }, ['NATS_PASSWORD']],
  [{ NATS_PASSWORD_FILE: file }, ['NATS_PASSWORD_FILE']],
  [{ NATS_USER: 'u', NATS_PASSWORD: 'p', NATS_PASSWORD_FILE: file }, ['NATS_PASSWORD']],
  [{ NATS_CREDS: file, NATS_USER: 'u', NATS_PASSWORD: 'p' }, ['NATS_CREDS']],
  [{ NATS_CERT: file }, ['NATS_CERT']],
  [{ NATS_KEY: file }, ['NATS_KEY']],
  [{ NATS_CREDS: file, NATS_URL: 'nats://u:p@h' }, ['NATS_URL']],
  [{ NATS_CA: join(folder, 'no'), NATS_KEY: join(folder, 'no') }, ['NATS_CA', 'NATS_KEY', 'NATS_KEY']],
])('refuses %j by the names %j', (env, names) => {
  expect(faultsOf(schema, env).map((fault) => fault.split(' ')[0])).toEqual(names);
});

it('reads a password again that was replaced, and keeps it while its file is gone', () => {
  const path = join(folder, 'password');
  writeFileSync(path, 'first\n');
  const { authenticator } = credentialsOf(parseConfig(schema, { NATS_USER: 'u', NATS_PASSWORD_FILE: path }));
  const shown = (): unknown => (authenticator as (nonce?: string) => unknown)();
  expect(shown()).toEqual({ user: 'u', pass: 'first' });
  writeFileSync(path, 'second');
  expect(shown()).toEqual({ user: 'u', pass: 'second' });
  rmSync(path);
  expect(shown()).toEqual({ user: 'u', pass: 'second' });
});

it.each<[Record<string, string>, object]>([
  [{}, {}],
  [{ NATS_URL: 'nats://a,nats://tls' }, {}],
  [{ NATS_URL: 'nats://a, tls://b' }, { tls: {} }],
  [{ NATS_CA: file }, { tls: { caFile: file } }],
  [{ NATS_CERT: file, NATS_KEY: file }, { tls: { certFile: file, keyFile: file } }],
])('%j makes TLS %j', (env, expected) => {
  expect(tlsOf(parseConfig(schema, env))).toEqual(expected);
});
