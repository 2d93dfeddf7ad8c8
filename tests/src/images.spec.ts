import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';

const DOCKER = join(REPOSITORY_ROOT, 'infra', 'docker');
const TIMEOUT_MS = 60_000;
/** What is over the base in an image, as `npm run images` demands it. */
const MAX_BYTES = 250_000_000;
const NOT_RUN = /\.(spec|fixture)\.js$|\.map$|\.ts$/;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sliceway-images-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('what an image of a service holds', () => {
  it.each([
    ['gateway', false],
    ['tokenizer', false],
    ['prefill', true],
  ])(
    '%s, which starts from it',
    (app, hasEngine) => {
      execFileSync(process.execPath, [join(DOCKER, 'collect-app.mjs'), app, folder], { timeout: TIMEOUT_MS });
      const packages = readdirSync(join(folder, 'node_modules'));
      expect(packages.includes('@tensorflow')).toBe(hasEngine);
      for (const ofDevelopment of ['typescript', 'jest', 'nx', 'openai']) expect(packages).not.toContain(ofDevelopment);
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        statSync(join(folder, name)).isFile(),
      );
      expect(files.filter((name) => NOT_RUN.test(name))).toEqual([]);
      expect(files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(MAX_BYTES);

      // All that it imports is there: it gets as far as its own faults.
      const env = { SLICEWAY_TRACE_LEVEL: '9' };
      const { stdout, stderr, status } = spawnSync(process.execPath, ['main.mjs'], {
        cwd: folder,
        env,
        encoding: 'utf8',
      });
      expect(stdout + stderr).toContain('SLICEWAY_TRACE_LEVEL is \\"9\\"');
      expect(status).toBe(1);
    },
    TIMEOUT_MS,
  );

  it('is the same at each time', () => {
    const collect = (name: string): string => {
      const out = join(folder, name);
      execFileSync(process.execPath, [join(DOCKER, 'collect-app.mjs'), 'tokenizer', out], { timeout: TIMEOUT_MS });
      const tar = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-C', out, '-cf', '-', '.'];
      return execFileSync('sh', ['-c', 'tar "$@" | sha256sum', 'sh', ...tar], { encoding: 'utf8' });
    };
    expect(collect('a')).toBe(collect('b'));
  });
});

describe('passwords of NATS', () => {
  const names = ['gateway', 'decode'];
  const make = (): string[] => {
    execFileSync(process.execPath, [join(DOCKER, 'make-secrets.mjs'), folder, ...names]);
    return names.map((name) => readFileSync(join(folder, name, 'password'), 'utf8'));
  };
  beforeEach(() => names.forEach((name) => mkdirSync(join(folder, name))));

  it('are made once, each another, for their owner alone', () => {
    const made = make();
    for (const password of made) expect(password).toMatch(/^pw[0-9a-f]{48}$/);
    expect(made[0]).not.toBe(made[1]);
    expect(make()).toEqual(made);
    expect(statSync(join(folder, 'gateway', 'password')).mode & 0o777).toBe(0o400);
  });

  it('an empty one, which lets everybody in, is made anew', () => {
    const [first] = make();
    rmSync(join(folder, 'gateway', 'password'));
    execFileSync('touch', [join(folder, 'gateway', 'password')]);
    const [second] = make();
    expect(second).toMatch(/^pw/);
    expect(second).not.toBe(first);
    expect(existsSync(join(folder, 'gateway', 'password.new'))).toBe(false);
  });
});
