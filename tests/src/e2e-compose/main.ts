/**
 * `npm run e2e:compose`: builds the images, brings up compose.yaml with two prefill and two decode workers, looks at it from outside,
 * and takes it down again, whatever happens. Says why and ends with 0 where no Docker runs.
 *
 *   --registry   the usual images, from a registry; without it those of infra/docker/base-image (compose.local.yaml)
 *   --file FILE  a further Compose file, after these
 *   --keep       leaves the cluster running
 */
import { parseArgs } from 'node:util';
import { provideModel } from '@sliceway/local';
import { runEndToEnd, say, secondsSince } from '../end-to-end.fixture.js';
import { buildImages, buildLocalImages } from '../local-images.fixture.js';
import { CHECKS } from './checks.js';
import { ComposeCluster } from './compose-cluster.js';
import { composeCommand } from './docker.js';

const { values: options } = parseArgs({
  options: {
    registry: { type: 'boolean', default: false },
    file: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
  },
});

async function images(signal: AbortSignal): Promise<void> {
  if (options.registry) return say(await buildImages([], signal));
  say(await buildLocalImages(['prometheus'], signal));
  say('Grafana is left out: it comes from a registry only.');
}

const command = composeCommand();
await runEndToEnd({
  name: 'e2e:compose',
  problem: command === null ? 'no Docker Engine with Compose (v2, or docker-compose 1.29) answers here.' : null,
  prepare: async (signal) => {
    await images(signal);
    return new ComposeCluster({
      command: command!,
      files: ['compose.yaml', ...(options.registry ? [] : ['compose.local.yaml']), ...options.file],
      model: await provideModel(),
      scale: { prefill: 2, decode: 2 },
      signal,
    });
  },
  bringUp: async (cluster) => {
    const startMs = performance.now();
    await cluster.up();
    say(`up and healthy after ${secondsSince(startMs)}: ${cluster.gateway}`);
  },
  checks: CHECKS,
  takeDown: async (cluster) => {
    if (!options.keep) await cluster.down();
  },
});
