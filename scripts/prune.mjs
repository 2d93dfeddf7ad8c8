import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ROOT } from './shell.mjs';

/**
 * Deletes compiled files whose source is gone. tsc leaves them lying, Nx's cache brings them back, and a spec among them
 * would still be run.
 */
export function pruneCompiled() {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const folder of workspaces.flatMap(expand)) {
    const dist = join(ROOT, folder, 'dist');
    if (!existsSync(dist)) continue;
    for (const name of readdirSync(dist, { recursive: true })) {
      if (!name.endsWith('.js.map')) continue;
      const map = join(dist, name);
      const { sources } = JSON.parse(readFileSync(map, 'utf8'));
      if (sources.some((source) => existsSync(resolve(dirname(map), source)))) continue;
      const stem = map.slice(0, -'.js.map'.length);
      for (const extension of ['.js', '.js.map', '.d.ts', '.d.ts.map']) rmSync(stem + extension, { force: true });
    }
  }
}

/** A workspace of package.json: a folder, or all folders in one. */
function expand(pattern) {
  if (!pattern.endsWith('/*')) return [pattern];
  const parent = pattern.slice(0, -2);
  return readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`);
}
