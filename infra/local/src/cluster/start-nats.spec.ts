import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localConfigFromEnv } from '../local.config.js';
import { provideNatsServer } from '../provide/provide-nats-server.js';
import { isAlive } from './app.fixture.js';
import { StartErrorCode } from './start-error.js';
import { startNats } from './start-nats.js';

describe('startNats', () => {
  let directory: string;
  let logFile: string;
  let binary: string;

  beforeAll(async () => {
    // NATS_URL has no binary, and these tests are about one.
    const source = await provideNatsServer({ config: { ...localConfigFromEnv(), natsUrl: null } });
    binary = 'binary' in source ? source.binary : '';
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sliceway-nats-'));
    logFile = join(directory, 'logs', 'nats.log');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const greetingOf = async (url: string) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return data.toString();
  };

  test('starts on a free port, greets, and is gone after stop', async () => {
    const nats = await startNats({ binary, logFile });
    expect(nats.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(await greetingOf(nats.url)).toMatch(/^INFO \{/);
    expect(isAlive(nats.pid)).toBe(true);
    await nats.stop();
    expect(isAlive(nats.pid)).toBe(false);
    expect(await readFile(logFile, 'utf8')).toContain('Server is ready');
  });

  test('two at once do not meet; a taken port is named', async () => {
    const servers = await Promise.all([startNats({ binary, logFile }), startNats({ binary, logFile: `${logFile}2` })]);
    expect(servers[0].url).not.toBe(servers[1].url);
    const port = Number(new URL(servers[0].url).port);
    await expect(startNats({ binary, port, logFile: `${logFile}3` })).rejects.toMatchObject({
      code: StartErrorCode.EXITED,
      message: expect.stringContaining('address already in use'),
    });
    await Promise.all(servers.map((server) => server.stop()));
  });

  test('takes more arguments', async () => {
    const config = join(directory, 'nats.conf');
    await writeFile(config, 'max_payload: 123456');
    const nats = await startNats({ binary, logFile, args: ['--config', config] });
    expect(await greetingOf(nats.url)).toContain('"max_payload":123456');
    await nats.stop();
  });

  test('a program that never listens, and one that is not there', async () => {
    const silent = join(directory, 'silent');
    await writeFile(silent, '#!/bin/sh\nexec sleep 60\n');
    await chmod(silent, 0o755);
    await expect(startNats({ binary: silent, logFile, readyTimeoutMs: 200 })).rejects.toMatchObject({
      code: StartErrorCode.NOT_READY,
    });
    await expect(startNats({ binary: '/nowhere/nats', logFile })).rejects.toThrow(/could not be started.*ENOENT/);
  });

  test('does not outlive a parent that was killed', async () => {
    const module = new URL('./start-nats.js', import.meta.url).href;
    const script = `const { startNats } = await import(${JSON.stringify(module)});
      const nats = await startNats({ binary: process.argv[1], logFile: process.argv[2] });
      console.log(nats.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script, binary, logFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(String((await once(parent.stdout, 'data'))[0]));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    for (let tries = 0; isAlive(pid) && tries < 100; tries++) await sleep(50);
    expect(isAlive(pid)).toBe(false);
  });
});
