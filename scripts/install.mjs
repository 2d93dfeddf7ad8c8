import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NPM_SCRIPT } from './environment.config.mjs';
import { fail, note, ROOT, run } from './shell.mjs';

/** Runs `npm ci` unless node_modules holds what package-lock.json asks for. */
export function ensureInstalled() {
  const missing = firstMissing(readLock('package-lock.json'), readLock('node_modules/.package-lock.json'));
  if (missing === null) return;
  note(`Installing dependencies (${missing}).`);
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = NPM_SCRIPT === null ? run('npm', args) : run(process.execPath, [NPM_SCRIPT, ...args]);
  if (status !== 0) fail('npm ci failed; its messages are above.', status);
}

/**
 * Compares the lock file with npm's own record of what it installed. Times of files say nothing after a git checkout, so
 * versions and checksums do. Returns why an installation is needed, else null.
 */
export function firstMissing(wanted, installed) {
  if (wanted === null) return 'there is no package-lock.json';
  if (installed === null) return 'there is no node_modules';
  for (const [path, { version, integrity, link, optional, peer, devOptional }] of Object.entries(wanted.packages)) {
    // Packages for other platforms are left out by npm.
    if (!path.includes('node_modules/') || optional === true || devOptional === true || peer === true) continue;
    const found = installed.packages[path];
    if (found === undefined) return `${path} is missing`;
    if (link === true) continue;
    const isSame = found.version === version && (integrity === undefined || found.integrity === integrity);
    if (!isSame) return `${path} should be ${version}`;
  }
  return null;
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  } catch {
    return null;
  }
}
