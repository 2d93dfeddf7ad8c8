/**
 * `npm run e2e:k8s`: brings up infra/k8s/overlays/e2e in the cluster of KUBECONFIG, looks at it from outside, and deletes it again,
 * whatever happens. Says why and ends with 0 where no cluster answers.
 *
 *   --built   takes the images that Docker has, and builds none
 *   --keep    leaves it running
 *
 * IMAGE_LOAD   command that brings a tar of an image into the cluster; not set: the images are there already
 * MODEL_LOAD   command that brings a folder to the node: it gets the folder here, and its path there; not set: the node is
 *              this machine
 * KUBECTL      kubectl, if it is not on PATH
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { provideModel } from '@sliceway/local';
import { buildLocalImages } from '../local-images.fixture.js';
import { CHECKS } from './checks.js';
import { loadImages } from './images.js';
import { KubeCluster } from './kube-cluster.js';
import { clusterProblem } from './kubectl.js';

const { values: options } = parseArgs({
  options: { built: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
});
/** What kubectl does takes no longer, but for its waiting. */
const ABORT_MS = 15_000;
const imageLoad = process.env['IMAGE_LOAD'] || null;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(0)} s`;

const interrupt = new AbortController();
const { signal } = interrupt;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
}

/** Said at once: what is cleared up after it may fail as well. */
function fail(error: unknown): void {
  const { stack, cause } = error as Error;
  process.stderr.write(`${stack ?? String(error)}\n${cause === undefined ? '' : `${String(cause)}\n`}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  if (imageLoad !== null) await images(imageLoad);
  const cluster = new KubeCluster({ model: await provideModel(), modelLoad: process.env['MODEL_LOAD'] || null });
  const interrupted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const work = checked(cluster);
  try {
    await Promise.race([work, interrupted]);
    say('e2e:k8s: all of it holds.');
  } catch (error) {
    fail(error);
  } finally {
    // What was under way could still make something.
    if (signal.aborted) await Promise.race([work.catch(() => {}), sleep(ABORT_MS)]);
    if (!options.keep) {
      const startMs = performance.now();
      await cluster.down();
      say(`all of it is deleted, in ${seconds(startMs)}`);
    }
  }
}

async function images(command: string): Promise<void> {
  const startMs = performance.now();
  if (!options.built) await buildLocalImages([], signal);
  const names = await KubeCluster.images();
  await loadImages(names, command);
  say(`${names.length} images are in the cluster after ${seconds(startMs)}: ${names.join(', ')}`);
}

async function checked(cluster: KubeCluster): Promise<void> {
  const startMs = performance.now();
  signal.throwIfAborted();
  await cluster.up();
  say(`applied, and all pods ready after ${seconds(startMs)}`);
  for (const check of CHECKS) {
    signal.throwIfAborted();
    await check(cluster, say);
  }
}

const problem = clusterProblem();
if (problem !== null) {
  say(`e2e:k8s is skipped: ${problem}`);
} else {
  try {
    await main();
  } catch (error) {
    fail(error);
  }
}
process.exit();
