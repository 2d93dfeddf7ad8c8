import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadError, DownloadErrorCode } from './download-error.js';

/** A holder touches its lock this often … */
const REFRESH_MS = 5_000;
/** … so one that nobody touched for this long is left over, also when its process is on another host. */
const STALE_MS = 30_000;
const POLL_MS = 200;

interface Holder {
  readonly token: string;
  readonly host: string;
  readonly pid: number;
}

/** What a holder may rely on. */
export interface HeldLock {
  /** True when the last holder may still be alive (suspended, on another host): it may yet write to files that it has open. */
  readonly contested: boolean;
  /** @throws DownloadError `lock_lost` when another process has taken the lock over */
  assertHeld(): Promise<void>;
}

/**
 * Runs `action` while holding the lock file `path` (its folder is made); waits while another process holds it. A lock whose process is gone is
 * taken over at once, one of unknown state after 30 s.
 *
 * @param onWait told once, when there is somebody to wait for
 */
export async function withFileLock<T>(
  path: string,
  action: (lock: HeldLock) => Promise<T>,
  onWait: (message: string) => void = () => {},
): Promise<T> {
  const token = randomUUID();
  await mkdir(dirname(path), { recursive: true });
  let contested = false;
  let announced = false;
  while (!(await create(path, token))) {
    const found = await inspect(path);
    if (found === null) continue;
    if (found.state === 'held') {
      if (!announced) onWait(`waiting for process ${found.holder?.pid ?? '?'}, which holds ${path}`);
      announced = true;
      await sleep(POLL_MS);
    } else if (await steal(path, token, found.holder)) {
      contested = found.state === 'silent';
    }
  }
  const refresh = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => {});
  }, REFRESH_MS);
  refresh.unref();
  const isHeld = async () => (await readHolder(path))?.token === token;
  try {
    return await action({
      contested,
      async assertHeld() {
        if (await isHeld()) return;
        throw new DownloadError(DownloadErrorCode.LOCK_LOST, `another process took ${path} over; run it again`);
      },
    });
  } finally {
    clearInterval(refresh);
    if (await isHeld()) await rm(path, { force: true });
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify({ token, host: hostname(), pid: process.pid } satisfies Holder));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** `dead`: its process is gone; `silent`: nobody refreshed it; null: released meanwhile. */
async function inspect(path: string): Promise<{ state: 'held' | 'dead' | 'silent'; holder: Holder | null } | null> {
  const holder = await readHolder(path);
  const touchedMs = await stat(path).then(
    (stats) => stats.mtimeMs,
    () => null,
  );
  if (touchedMs === null) return null;
  if (holder !== null && holder.host === hostname() && !isAlive(holder.pid)) return { state: 'dead', holder };
  return { state: Date.now() - touchedMs > STALE_MS ? 'silent' : 'held', holder };
}

/** Moves the lock of `holder` away. Should a live one have taken its place meanwhile, that one is put back. */
async function steal(path: string, token: string, holder: Holder | null): Promise<boolean> {
  const aside = `${path}.${token}`;
  try {
    await rename(path, aside);
  } catch {
    return false;
  }
  const moved = await readHolder(aside);
  const isTheDeadOne = moved?.token === holder?.token;
  if (!isTheDeadOne) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  return isTheDeadOne;
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
