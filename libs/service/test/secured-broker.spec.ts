import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, securedNats, type SecuredNats } from '@sliceway/testing';
import { Broker } from './broker.fixture.js';
import { jwtNats, type JwtNats } from './jwt-nats.fixture.js';
import { ServiceProcess } from './service-process.fixture.js';
import { until } from './until.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sliceway-secured-'));
const running: ServiceProcess[] = [];
let files = 0;

function fileWith(text: string): string {
  const path = join(folder, `secret-${files++}`);
  writeFileSync(path, text);
  return path;
}

async function ready(broker: Broker, environment: Record<string, string>): Promise<ServiceProcess> {
  const service = await ServiceProcess.ready(broker, environment);
  running.push(service);
  return service;
}

/** It goes on trying, says why it has to (unless nats-server hangs up without a word), and does not become ready. */
async function expectWaiting(broker: Broker, environment: Record<string, string>, reason?: RegExp): Promise<void> {
  const service = new ServiceProcess(broker, environment);
  running.push(service);
  const line = await service.logs('waiting for nats-server');
  expect(line['reason']).toEqual(reason === undefined ? undefined : expect.stringMatching(reason));
  expect(service.child.isReady).toBe(false);
  expect(service.child.isRunning).toBe(true);
}

async function expectEnd(broker: Broker, environment: Record<string, string>, fatal: RegExp): Promise<void> {
  const service = new ServiceProcess(broker, environment);
  running.push(service);
  expect(await service.exitCode()).toBe(1);
  expect(JSON.stringify((await service.lines()).filter(({ level }) => level === 'fatal'))).toMatch(fatal);
}

afterEach(() => Promise.all(running.splice(0).map((service) => service.stop())));
afterAll(() => rmSync(folder, { recursive: true }));

describe('with users and permissions', () => {
  let nats: SecuredNats;
  let broker: Broker;
  beforeAll(async () => {
    nats = securedNats(join(folder, 'plain'), process.env);
    broker = await Broker.start(nats.args, nats.environment);
  });
  afterAll(() => broker.stop());

  it('a service serves by its name and password, which it does not log, and nothing is refused to it', async () => {
    const password = nats.passwords.gateway;
    const service = await ready(broker, { NATS_USER: 'gateway', NATS_PASSWORD: password, LOG_LEVEL: 'debug' });
    expect((await service.get('/health/ready')).status).toBe(200);
    const text = JSON.stringify(await service.lines());
    expect(text).not.toContain(password);
    expect(text).not.toMatch(/permission/i);
  });

  it('a password may be in a file, which is read again for a new connection', async () => {
    const path = fileWith(`${nats.passwords.gateway}\n`);
    const service = await ready(broker, { NATS_USER: 'gateway', NATS_PASSWORD_FILE: path });
    writeFileSync(path, 'another');
    await broker.down();
    await until('it is not ready', async () => (await service.get('/health/ready')).status === 503);
    await broker.up();
    expect(await service.exitCode()).toBe(1);
    expect(JSON.stringify(await service.lines())).toMatch(/Authorization/);
  });

  it.each([
    ['a wrong password', { NATS_USER: 'gateway', NATS_PASSWORD: 'wrong' }],
    ['the password of another user', { NATS_USER: 'gateway', NATS_PASSWORD: 'decode' }],
    ['a user that there is not', { NATS_USER: 'router', NATS_PASSWORD: 'gateway' }],
    ['nobody', {}],
  ])('%s is refused', async (_, environment: Record<string, string>) => {
    const { NATS_PASSWORD: name } = environment;
    const password = nats.passwords[name as keyof typeof nats.passwords] ?? name;
    const given = name === undefined ? {} : { ...environment, NATS_PASSWORD: password! };
    await expectEnd(broker, given, /Authorization Violation/);
  });

  it('a service that asks for TLS does not go without', async () => {
    makeCertificates(join(folder, 'unused'));
    const user = { NATS_USER: 'gateway', NATS_PASSWORD: nats.passwords.gateway };
    const reason = /does not support 'tls'/;
    await Promise.all([
      expectWaiting(broker, { ...user, NATS_CA: join(folder, 'unused', 'ca.crt') }, reason),
      expectWaiting(broker, { ...user, NATS_URL: broker.url.replace('nats:', 'tls:') }, reason),
    ]);
  });
});

describe('with TLS', () => {
  let nats: SecuredNats;
  let broker: Broker;
  const user = (): Record<string, string> => ({ NATS_USER: 'gateway', NATS_PASSWORD: nats.passwords.gateway });
  const ca = (): Record<string, string> => ({ ...user(), NATS_CA: join(nats.tlsFolder, 'ca.crt') });
  beforeAll(async () => {
    nats = securedNats(join(folder, 'tls'), process.env, { tls: true });
    broker = await Broker.start(nats.args, nats.environment);
  });
  afterAll(() => broker.stop());

  it('a service serves, and comes back after the certificate was renewed', async () => {
    const service = await ready(broker, ca());
    await broker.down();
    makeCertificates(nats.tlsFolder);
    await until('it is not ready', async () => (await service.get('/health/ready')).status === 503);
    await broker.up();
    await until('it is ready', async () => (await service.get('/health/ready')).status === 200);
  });

  it('a server is refused whose CA is another, or not known, or whose name is', async () => {
    const other = join(folder, 'other');
    makeCertificates(other);
    const otherCa = join(other, 'ca.crt');
    const strange = securedNats(join(folder, 'strange'), process.env, { tls: true });
    makeCertificates(strange.tlsFolder, ['nats.example.org']);
    const impostor = await Broker.start(strange.args, strange.environment);
    try {
      const environment = {
        NATS_USER: 'gateway',
        NATS_PASSWORD: strange.passwords.gateway,
        NATS_CA: join(strange.tlsFolder, 'ca.crt'),
      };
      await Promise.all([
        expectWaiting(impostor, environment, /does not match certificate's altnames/),
        expectWaiting(broker, { ...user(), NATS_CA: otherCa }, /certificate|signature/),
        expectWaiting(broker, user(), /unable to verify the first certificate/),
      ]);
    } finally {
      await impostor.stop();
    }
  });

  it('nobody is served in the clear', async () => {
    await expect(broker.connect({ user: 'gateway', pass: nats.passwords.gateway, tls: null })).rejects.toThrow(
      /secure connection|tls/i,
    );
  });
});

describe('with TLS that asks for certificates of clients', () => {
  let nats: SecuredNats;
  let broker: Broker;
  const own = (folderOfKey = nats.tlsFolder, folderOfCert = folderOfKey): Record<string, string> => ({
    NATS_USER: 'gateway',
    NATS_PASSWORD: nats.passwords.gateway,
    NATS_CA: join(nats.tlsFolder, 'ca.crt'),
    NATS_CERT: join(folderOfCert, 'tls.crt'),
    NATS_KEY: join(folderOfKey, 'tls.key'),
  });
  beforeAll(async () => {
    nats = securedNats(join(folder, 'mutual'), process.env, { tls: true, verify: true });
    broker = await Broker.start(nats.args, nats.environment);
  });
  afterAll(() => broker.stop());

  it('a service serves with one', async () => {
    expect((await (await ready(broker, own())).get('/health/ready')).status).toBe(200);
  });

  it('a service is refused without one, with one of another CA, and with the key of another', async () => {
    const foreign = join(folder, 'foreign');
    makeCertificates(foreign);
    const { NATS_CERT: _cert, NATS_KEY: _key, ...without } = own();
    await Promise.all([
      expectWaiting(broker, without),
      expectWaiting(broker, own(foreign)),
      expectWaiting(broker, own(foreign, nats.tlsFolder), /key values mismatch/),
    ]);
    const log = readFileSync(join(broker.directory, 'nats.log'), 'utf8');
    expect(log).toMatch(/client didn't provide a certificate/);
    expect(log).toMatch(/certificate signed by unknown authority/);
  });
});

describe('with a nats-server that knows its users by JWT', () => {
  let nats: JwtNats;
  let broker: Broker;
  beforeAll(async () => {
    nats = jwtNats(join(folder, 'jwt'));
    broker = await Broker.start(nats.args);
  });
  afterAll(() => broker.stop());

  it('a service serves by its credentials', async () => {
    const service = await ready(broker, { NATS_CREDS: nats.creds });
    expect((await service.get('/health/ready')).status).toBe(200);
  });

  it('a JWT with the key of another is refused', async () => {
    await expectEnd(broker, { NATS_CREDS: nats.badCreds }, /Authorization Violation/);
  });
});

describe('an environment that does not fit together', () => {
  let broker: Broker;
  beforeAll(async () => void (broker = await Broker.start()));
  afterAll(() => broker.stop());

  it.each([
    [{ NATS_USER: 'u' }, /NATS_USER is .*expected NATS_PASSWORD or NATS_PASSWORD_FILE as well/],
    [{ NATS_PASSWORD: 'hunter2' }, /NATS_PASSWORD has a secret value: expected NATS_USER as well/],
    [{ NATS_CERT: '/nowhere/tls.crt' }, /NATS_CERT is .*expected a file to read, but ENOENT/],
    [{ NATS_CA: '/' }, /NATS_CA is .*expected a file to read, but EISDIR/],
    [{ NATS_CREDS: '/nowhere/a.creds', NATS_USER: 'u' }, /NATS_CREDS is .*ENOENT/],
    [{ NATS_PASSWORD_FILE: '/nowhere/password' }, /NATS_PASSWORD_FILE is .*ENOENT/],
    [
      { NATS_USER: 'u', NATS_PASSWORD: 'hunter2', NATS_URL: 'nats://a:hunter2@h' },
      /NATS_URL has a secret value: .*no user/,
    ],
  ])('%j stops the start', async (environment: Record<string, string>, fault) => {
    const service = new ServiceProcess(broker, environment);
    expect(await service.exitCode()).toBe(1);
    const [line] = await service.lines();
    expect((line!['faults'] as string[]).join('\n')).toMatch(fault);
    expect(JSON.stringify(line)).not.toContain('hunter2');
  });
});
