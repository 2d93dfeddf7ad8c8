import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT } from './environment.config.mjs';

/** The repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the program with a message. */
export function fail(message, exitCode = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}

export function note(message) {
  process.stderr.write(`${message}\n`);
}

/** The script behind `npx <name>`, without npx: it starts in a fraction of the time and never downloads anything. */
export function binOf(packageName, binName = packageName) {
  const folder = join(ROOT, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[binName]);
}

/**
 * Runs a program in the repository and returns its exit code. Quiet: what it prints is shown only when it fails.
 */
export function run(program, args, { quiet = false, env = ENVIRONMENT } = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined && status === null && signal === null) fail(`${program}: ${error.message}`);
  if (quiet && status !== 0) process.stderr.write(stdout + stderr);
  return status ?? 130;
}
