/**
 * `npm run e2e:compose`: builds the images, brings up compose.yaml with two prefill and two decode workers, looks at it from outside,
 * and takes it down again, whatever happens. Says why and ends with 0 where no Docker runs.
 *
 *   --registry   the usual images, from a registry; without it those of infra/docker/base-image (compose.local.yaml)
 *   --file FILE  a further Compose file, after these
 *   --keep       leaves the cluster running
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { provideModel } from '@sliceway/local';
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
/** docker-compose ends within it. */
const ABORT_MS = 15_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const interrupt = new AbortController();
const { signal } = interrupt;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
}

async function images(): Promise<void> {
  if (options.registry) return say(await buildImages([], signal));
  say(await buildLocalImages(['prometheus'], signal));
  say('Grafana is left out: it comes from a registry only.');
}

async function check(cluster: ComposeCluster): Promise<void> {
  const startMs = performance.now();
  await cluster.up();
  say(`up and healthy after ${((performance.now() - startMs) / 1000).toFixed(0)} s: ${cluster.gateway}`);
  for (const holds of CHECKS) {
    signal.throwIfAborted();
    await holds(cluster, say);
  }
}

/** Said at once: what is cleared up after it may fail as well. */
function fail(error: unknown): void {
  process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
}

async function main(command: readonly string[]): Promise<void> {
  await images();
  const cluster = new ComposeCluster({
    command,
    files: ['compose.yaml', ...(options.registry ? [] : ['compose.local.yaml']), ...options.file],
    model: await provideModel(),
    scale: { prefill: 2, decode: 2 },
    signal,
  });
  const interrupted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const work = check(cluster);
  try {
    await Promise.race([work, interrupted]);
    say('e2e:compose: all of it holds.');
  } catch (error) {
    fail(error);
  } finally {
    // What was under way notices by itself; until then it could still make containers.
    if (signal.aborted) await Promise.race([work.catch(() => {}), sleep(ABORT_MS)]);
    if (!options.keep) await cluster.down();
  }
}

const command = composeCommand();
if (command === null) {
  say('e2e:compose is skipped: no Docker Engine with Compose (v2, or docker-compose 1.29) answers here.');
} else {
  try {
    await main(command);
  } catch (error) {
    fail(error);
  }
}
// Whatever else is open: all is said, and nothing of ours is left.
process.exit();
