import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localConfigFromEnv } from '../local.config.js';
import { SILENT_REPORTER } from '../reporter.js';
import { runOwnInstaller } from './own-installer.js';

const MANIFEST = '{"name":"x"}';

describe('runOwnInstaller', () => {
  let directory: string;
  let packagePath: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sliceway-installer-'));
    packagePath = join(directory, 'node_modules', '@tensorflow', 'tfjs-node');
    await mkdir(join(packagePath, 'scripts'), { recursive: true });
    await writeFile(join(packagePath, 'package.json'), MANIFEST);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const install = async (script: string, limits = { firstByteMs: 5_000, totalMs: 10_000 }) => {
    const head = `const fs = require('fs'); fs.writeFileSync('package.json', '{}'); fs.mkdirSync('deps');\n`;
    await writeFile(join(packagePath, 'scripts', 'install.js'), head + script);
    return runOwnInstaller(packagePath, localConfigFromEnv(), SILENT_REPORTER, limits);
  };
  const exists = (name: string) =>
    access(join(packagePath, name)).then(
      () => true,
      () => false,
    );

  test('null when it did its work, which stays', async () => {
    expect(await install(`fs.writeFileSync('deps/lib', process.argv.slice(2).join())`)).toBeNull();
    expect(await readFile(join(packagePath, 'deps', 'lib'), 'utf8')).toBe('cpu,download');
  });

  test('tells why not, and leaves the package as it was', async () => {
    expect(await install(`throw new Error('getaddrinfo ENOTFOUND')`)).toBe('getaddrinfo ENOTFOUND');
    expect(await exists('deps')).toBe(false);
    expect(await readFile(join(packagePath, 'package.json'), 'utf8')).toBe(MANIFEST);
    expect(await install(`process.exit(7)`)).toBe('its exit code is 7');
  });

  test('ends one that waits for its first byte, with what it started', async () => {
    const child = `setInterval(() => require('fs').writeFileSync('alive', String(Date.now())), 50)`;
    const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' });`;
    expect(await install(script, { firstByteMs: 1_000, totalMs: 60_000 })).toBe('it took too long');
    const alive = await readFile(join(packagePath, 'alive'), 'utf8');
    await sleep(300);
    expect(await readFile(join(packagePath, 'alive'), 'utf8')).toBe(alive);
  });

  test('gives one that has begun more time, but not for ever', async () => {
    const script = `fs.writeFileSync('deps/lib', 'x'); setInterval(() => {}, 1000);`;
    const startMs = Date.now();
    expect(await install(script, { firstByteMs: 200, totalMs: 1_500 })).toBe('it took too long');
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(1_500);
  });
});
