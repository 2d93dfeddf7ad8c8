/**
 * `npm run images`: builds the images of the services, prints what each adds to its base, and fails when one adds too much.
 *
 *   --local          on the images that infra/docker/base-image makes, which makes them if need be
 *   --only APP,...   some of gateway, tokenizer, prefill, decode
 *   --backend NAME   wasm (default); node or gpu: TensorFlow, for prefill and decode, tagged with its name
 *   --save DIR       writes each as DIR/<image>.tar
 *   --quiet          hides Docker's output unless it fails
 *
 * IMAGE_LOAD is a command that takes such a tar, as in IMAGE_LOAD='kind load image-archive'.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BASE_IMAGE, BUILD_IMAGE, ENVIRONMENT, IMAGE_LOAD, VERSION } from './docker.config.mjs';
import { baseBytes, docker, DockerError, dockerProblem, imageBytes, run } from './docker.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const APPS = ['gateway', 'tokenizer', 'prefill', 'decode'];
const WITH_ENGINE = ['prefill', 'decode'];
const BACKENDS = ['wasm', 'node', 'gpu'];
/** Over the base. TensorFlow alone has more: the limit is for what every installation needs. */
const MAX_ADDED_BYTES = 250_000_000;
const DEFAULT_BASE = 'node:24-slim';
const LOCAL = { base: 'sliceway-local/node:24', build: 'sliceway-local/node-build:24' };

const say = (line) => process.stdout.write(`${line}\n`);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

class UsageError extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      local: { type: 'boolean', default: false },
      only: { type: 'string' },
      backend: { type: 'string', default: 'wasm' },
      save: { type: 'string' },
      quiet: { type: 'boolean', default: false },
    },
  });
  if (!BACKENDS.includes(values.backend)) throw new UsageError(`--backend is one of ${BACKENDS.join(', ')}`);
  const possible = values.backend === 'wasm' ? APPS : WITH_ENGINE;
  const apps = values.only?.split(',') ?? possible;
  const unknown = apps.filter((app) => !possible.includes(app));
  if (unknown.length > 0) throw new UsageError(`no image ${unknown.join(', ')} with backend ${values.backend}`);
  return { ...values, apps };
}

function imageOf(app, backend) {
  return `sliceway-${app}:${VERSION}${backend === 'wasm' ? '' : `-${backend}`}`;
}

function build(app, { backend, quiet }, { base, build: builder }) {
  const args = { APP: app, BACKEND: backend, VERSION, REVISION: revision(), BASE_IMAGE: base, BUILD_IMAGE: builder };
  const given = Object.entries(args).filter(([, value]) => value !== null);
  const image = imageOf(app, backend);
  docker(
    [
      'build',
      ...given.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      ...['--file', 'infra/docker/Dockerfile', '--tag', image, '.'],
    ],
    { cwd: ROOT, show: !quiet },
  );
  return image;
}

function revision() {
  try {
    return run('git', ['rev-parse', 'HEAD'], { cwd: ROOT }).trim();
  } catch {
    return 'unknown';
  }
}

function saveAndLoad(images, directory) {
  const folder = directory === undefined ? mkdtempSync(join(tmpdir(), 'sliceway-images-')) : resolve(directory);
  mkdirSync(folder, { recursive: true });
  try {
    for (const image of images) {
      const tar = join(folder, `${image.replaceAll(/[:/]/g, '_')}.tar`);
      docker(['save', '--output', tar, image]);
      if (directory !== undefined) say(tar);
      if (IMAGE_LOAD === null) continue;
      run('sh', ['-c', `${IMAGE_LOAD} "$0"`, tar], { show: true, env: ENVIRONMENT });
      say(`${image} is loaded: ${IMAGE_LOAD}`);
    }
  } finally {
    if (directory === undefined) rmSync(folder, { recursive: true });
  }
}

function main() {
  const options = readOptions();
  const problem = dockerProblem();
  if (problem !== null) throw new DockerError(`No Docker answers: ${problem}`);
  if (options.local) run(join(import.meta.dirname, 'base-image'), ['node'], { show: !options.quiet });
  const bases = options.local ? LOCAL : { base: BASE_IMAGE, build: BUILD_IMAGE };
  const images = options.apps.map((app) => build(app, options, bases));
  const base = bases.base ?? DEFAULT_BASE;
  const bytes = baseBytes(base);
  const sizes = images.map((image) => ({ image, addedBytes: imageBytes(image) - bytes }));
  say(`\nover ${base} (${megabytes(bytes)}):`);
  for (const { image, addedBytes } of sizes) say(`  ${image.padEnd(32)} ${megabytes(addedBytes).padStart(10)}`);
  saveAndLoad(options.save !== undefined || IMAGE_LOAD !== null ? images : [], options.save);
  const tooLarge = options.backend === 'wasm' ? sizes.filter(({ addedBytes }) => addedBytes > MAX_ADDED_BYTES) : [];
  for (const { image } of tooLarge) say(`${image} adds more than ${megabytes(MAX_ADDED_BYTES)}.`);
  return tooLarge.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  const isExpected =
    error instanceof DockerError || error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  if (!isExpected) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
