import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Logs of so many starts are kept. */
const KEPT = 10;

/** Makes a folder for the logs of this start, named by the time, and deletes the oldest ones. */
export async function makeLogDirectory(parent: string, now = new Date()): Promise<string> {
  const directory = join(parent, now.toISOString().replaceAll(':', '-').slice(0, 19));
  await mkdir(directory, { recursive: true });
  const all = (await readdir(parent)).sort();
  for (const name of all.slice(0, Math.max(0, all.length - KEPT))) await rm(join(parent, name), { recursive: true });
  return directory;
}
