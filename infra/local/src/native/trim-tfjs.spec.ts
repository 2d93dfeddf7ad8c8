import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { trimTfjs } from './trim-tfjs.js';

test('trimTfjs leaves the entry for Node of each package, and tfjs-node alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sliceway-trim-'));
  try {
    const scope = join(directory, 'node_modules', '@tensorflow');
    for (const name of [
      'tfjs-core/dist/tf-core.node.js',
      'tfjs-core/dist/tf-core.node.js.map',
      'tfjs-core/dist/ops/add.js',
      'tfjs-core/LICENSE',
      'tfjs-node/dist/index.js',
      'tfjs-node/binding/tfjs_backend.cc',
    ]) {
      await mkdir(dirname(join(scope, name)), { recursive: true });
      await writeFile(join(scope, name), '');
    }
    await writeFile(join(scope, 'tfjs-core', 'package.json'), '{"main":"./dist/tf-core.node.js"}');
    await trimTfjs(directory);
    const left = await readdir(scope, { recursive: true, withFileTypes: true });
    const files = left.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.map((path) => path.slice(scope.length + 1)).sort()).toEqual([
      'tfjs-core/LICENSE',
      'tfjs-core/dist/tf-core.node.js',
      'tfjs-core/package.json',
      'tfjs-node/binding/tfjs_backend.cc',
      'tfjs-node/dist/index.js',
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
