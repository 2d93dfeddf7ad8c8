import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadErrorCode } from './download-error.js';
import { withFileLock } from './file-lock.js';

describe('withFileLock', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sliceway-lock-'));
    path = join(directory, 'x.lock');
  });

  afterEach(() => rm(directory, { recursive: true }));

  const leave = (host: string, pid: number) => writeFile(path, JSON.stringify({ token: 'left over', host, pid }));

  test('lets one in at a time, in this process too', async () => {
    let inside = 0;
    let most = 0;
    const visit = () =>
      withFileLock(path, async () => {
        most = Math.max(most, ++inside);
        await sleep(5);
        inside--;
      });
    await Promise.all([visit(), visit(), visit()]);
    expect(most).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });

  test('is released when the action throws', async () => {
    await expect(withFileLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await readdir(directory)).toEqual([]);
  });

  test('takes over from a process that was killed, at once', async () => {
    const module = new URL('./file-lock.js', import.meta.url).href;
    const script = `import { withFileLock } from ${JSON.stringify(module)};
      await withFileLock(process.argv[1], () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const waits: string[] = [];
    const entered = withFileLock(
      path,
      async (lock) => lock.contested,
      (message) => waits.push(message),
    );
    await sleep(300);
    expect(waits).toEqual([expect.stringContaining(`process ${holder.pid}`)]);
    holder.kill('SIGKILL');
    expect(await entered).toBe(false);
  });

  test('a lock that nobody refreshes is taken over, and said to be contested', async () => {
    await leave('another host', 1);
    const old = new Date(Date.now() - 31_000);
    await utimes(path, old, old);
    expect(await withFileLock(path, async (lock) => lock.contested)).toBe(true);
  });

  test('a fresh lock of another host is waited for', async () => {
    await leave('another host', 1);
    let entered = false;
    const visit = withFileLock(path, async () => void (entered = true));
    await sleep(300);
    expect(entered).toBe(false);
    await rm(path);
    await visit;
  });

  test('a holder that lost its lock learns it and leaves the other one alone', async () => {
    const outcome = withFileLock(path, async (lock) => {
      await leave(hostname(), process.pid);
      await lock.assertHeld();
    });
    await expect(outcome).rejects.toMatchObject({ code: DownloadErrorCode.LOCK_LOST });
    expect(await readFile(path, 'utf8')).toContain('left over');
  });
});
