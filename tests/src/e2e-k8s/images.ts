import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideNatsServer, REPOSITORY_ROOT } from '@sliceway/local';
import { docker, run } from '../e2e-compose/docker.js';
import { collectorBinary, jaegerBinary } from '../tools.fixture.js';

const DOCKER = join(REPOSITORY_ROOT, 'infra', 'docker');

/** Builds the images of the services, and of what runs beside them, on those that infra/docker/base-image makes. */
export async function buildImages(): Promise<void> {
  const nats = await provideNatsServer();
  const env = {
    ...process.env,
    ...('binary' in nats ? { NATS_SERVER: nats.binary } : {}),
    SLICEWAY_JAEGER: jaegerBinary() ?? '',
    SLICEWAY_OTELCOL: collectorBinary() ?? '',
    // All are loaded together.
    IMAGE_LOAD: '',
  };
  await run(join(DOCKER, 'base-image'), ['node', 'nats', 'collector', 'jaeger'], env);
  await run(process.execPath, [join(DOCKER, 'images.mjs'), '--quiet', '--local'], env);
}

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
