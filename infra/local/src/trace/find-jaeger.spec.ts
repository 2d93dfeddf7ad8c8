import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localConfigFromEnv } from '../local.config.js';
import { findJaeger } from './find-jaeger.js';

describe('findJaeger', () => {
  let folder: string;

  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sliceway-find-'))));
  afterEach(() => rm(folder, { recursive: true }));

  async function program(name: string, script: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }
  const find = (env: NodeJS.ProcessEnv = {}) => findJaeger(localConfigFromEnv({ PATH: folder, ...env }));

  test('there is none', async () => expect(await find()).toBeNull());

  test('SLICEWAY_JAEGER, then the one on PATH, then Docker', async () => {
    const docker = await program('docker', 'exit 0');
    expect(await find()).toEqual({ docker });
    const binary = await program('jaeger-all-in-one', 'exit 0');
    expect(await find()).toEqual({ binary });
    const other = await program('other', 'exit 0');
    expect(await find({ SLICEWAY_JAEGER: other })).toEqual({ binary: other });
  });

  test('a Docker without a daemon is none', async () => {
    await program('docker', 'exit 1');
    expect(await find()).toBeNull();
  });

  test('a SLICEWAY_JAEGER that is no program is named', async () => {
    await expect(find({ SLICEWAY_JAEGER: join(folder, 'nothing') })).rejects.toThrow(/SLICEWAY_JAEGER is .*nothing/);
  });
});
