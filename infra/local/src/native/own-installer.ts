import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { LocalConfig } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { runProgram } from './run-program.js';

export interface InstallerLimits {
  /** When the first byte of libtensorflow must be there … */
  readonly firstByteMs: number;
  /** … and when all must be done. */
  readonly totalMs: number;
}

/** Firewalls that drop packets must not hold an installation up for long; PyPI has what is needed as well. */
const LIMITS: InstallerLimits = { firstByteMs: 15_000, totalMs: 180_000 };

/**
 * Lets the package's own install script fetch libtensorflow and its prebuilt addon. Resolves with null when it did, else with
 * the reason in one line; the package is then as it was.
 */
export async function runOwnInstaller(
  packagePath: string,
  config: LocalConfig,
  reporter: Reporter,
  limits: InstallerLimits = LIMITS,
): Promise<string | null> {
  const manifest = join(packagePath, 'package.json');
  // The script edits it, and puts it back only when all goes well.
  const original = await readFile(manifest);
  const libraries = join(packagePath, 'deps');
  const bin = join(dirname(dirname(packagePath)), '.bin');
  const env = { ...config.environment, PATH: [bin, ...config.searchPath].join(delimiter) };
  const abort = new AbortController();
  const progress = reporter.progress('Downloading libtensorflow with the installer of the package');
  const startMs = Date.now();
  let timedOut = false;
  const timer = setInterval(async () => {
    const bytes = await folderBytes(libraries);
    if (bytes > 0) progress.update(bytes);
    timedOut = Date.now() - startMs > (bytes > 0 ? limits.totalMs : limits.firstByteMs);
    if (timedOut) abort.abort();
  }, 250);
  const args = [join('scripts', 'install.js'), 'cpu', 'download'];
  const result = await runProgram(process.execPath, args, { cwd: packagePath, env, signal: abort.signal });
  clearInterval(timer);
  if (result.exitCode === 0) {
    progress.update(await folderBytes(libraries));
    progress.finish();
    return null;
  }
  progress.clear();
  await rm(libraries, { recursive: true, force: true });
  await rm(join(packagePath, 'lib'), { recursive: true, force: true });
  await writeFile(manifest, original);
  if (timedOut) return 'it took too long';
  return /^\w*Error: (.+)$/m.exec(result.output)?.[1] ?? `its exit code is ${result.exitCode}`;
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (stats) => (stats.isFile() ? stats.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
