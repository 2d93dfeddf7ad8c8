import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker, run } from '../run-command.fixture.js';

/** Saves each image and hands its tar to a command, which brings it into the cluster. @throws CommandError */
export async function loadImages(images: readonly string[], command: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-images-'));
  try {
    for (const image of images) {
      const tar = join(folder, `${image.replaceAll(/[:/]/g, '_')}.tar`);
      await docker('save', '--output', tar, image);
      await run('sh', ['-c', `${command} "$0"`, tar]);
      rmSync(tar);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
