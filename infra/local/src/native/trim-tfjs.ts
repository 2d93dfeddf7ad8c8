import { readdir, readFile, rm } from 'node:fs/promises';
import { join, normalize } from 'node:path';

/**
 * Deletes what Node never loads of the TensorFlow.js packages beside tfjs-node: each is one bundle for Node, and a dozen more
 * for browsers with their maps and sources (280 MB together, of which 8 MB are left).
 */
export async function trimTfjs(installation: string): Promise<void> {
  const scope = join(installation, 'node_modules', '@tensorflow');
  for (const name of await readdir(scope)) {
    if (name.startsWith('tfjs-node')) continue;
    const folder = join(scope, name);
    const { main } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { main: string };
    const kept = new Set(['package.json', 'LICENSE', normalize(main)]);
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
      if (entry.isFile() && !kept.has(path)) await rm(join(folder, path));
    }
  }
}
