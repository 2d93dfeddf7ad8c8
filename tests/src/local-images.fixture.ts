import { join } from 'node:path';
import { provideNatsServer, REPOSITORY_ROOT } from '@sliceway/local';
import { run } from './run-command.fixture.js';
import { collectorBinary, jaegerBinary } from './tools.fixture.js';

const DOCKER = join(REPOSITORY_ROOT, 'infra', 'docker');

/**
 * Builds the images of the services, and of what runs beside them, on those that infra/docker/base-image makes.
 *
 * @param beside further ones, as base-image calls them
 * @returns what `npm run images` printed
 */
export async function buildLocalImages(beside: readonly string[], signal?: AbortSignal): Promise<string> {
  const nats = await provideNatsServer();
  const programs = {
    ...('binary' in nats ? { NATS_SERVER: nats.binary } : {}),
    SLICEWAY_JAEGER: jaegerBinary() ?? '',
    SLICEWAY_OTELCOL: collectorBinary() ?? '',
  };
  await run(
    join(DOCKER, 'base-image'),
    ['node', 'nats', 'collector', 'jaeger', ...beside],
    { ...process.env, ...programs },
    signal,
  );
  return buildImages(['--local'], signal);
}

/** The images of the services; nothing is loaded anywhere. @returns what `npm run images` printed */
export async function buildImages(args: readonly string[], signal?: AbortSignal): Promise<string> {
  const env = { ...process.env, IMAGE_LOAD: '' };
  return (await run(process.execPath, [join(DOCKER, 'images.mjs'), '--quiet', ...args], env, signal)).trim();
}
