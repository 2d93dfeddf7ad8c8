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
import { parseArgs } from 'node:util';
import { provideModel } from '@sliceway/local';
import { runEndToEnd, say, secondsSince } from '../end-to-end.fixture.js';
import { buildLocalImages } from '../local-images.fixture.js';
import { CHECKS } from './checks.js';
import { loadImages } from './images.js';
import { KubeCluster } from './kube-cluster.js';
import { clusterProblem } from './kubectl.js';

const { values: options } = parseArgs({
  options: { built: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
});
const imageLoad = process.env['IMAGE_LOAD'] || null;

async function images(command: string, signal: AbortSignal): Promise<void> {
  const startMs = performance.now();
  if (!options.built) await buildLocalImages([], signal);
  const names = await KubeCluster.images();
  await loadImages(names, command);
  say(`${names.length} images are in the cluster after ${secondsSince(startMs)}: ${names.join(', ')}`);
}

await runEndToEnd({
  name: 'e2e:k8s',
  problem: clusterProblem(),
  prepare: async (signal) => {
    if (imageLoad !== null) await images(imageLoad, signal);
    return new KubeCluster({ model: await provideModel(), modelLoad: process.env['MODEL_LOAD'] || null });
  },
  bringUp: async (cluster) => {
    const startMs = performance.now();
    await cluster.up();
    say(`applied, and all pods ready after ${secondsSince(startMs)}`);
  },
  checks: CHECKS,
  takeDown: async (cluster) => {
    if (options.keep) return;
    const startMs = performance.now();
    await cluster.down();
    say(`all of it is deleted, in ${secondsSince(startMs)}`);
  },
});
