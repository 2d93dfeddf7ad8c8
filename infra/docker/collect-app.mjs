/**
 * A step of the Dockerfile, `collect-app.mjs APP FOLDER`: copies what the app runs on, and nothing else: its compiled code, that of
 * the libs that it depends on, and their production dependencies as `npm ci` laid them down. Types, maps, tests and pages stay
 * behind. All files get one time, so that equal sources make equal layers.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const APPS = ['gateway', 'tokenizer', 'prefill', 'decode'];
const NOT_RUN =
  /\.(map|tsbuildinfo|flow|md|markdown|[cm]?ts|c|cc|h)$|\.(spec|fixture|cases)\.[cm]?js$|^(\.github|__tests__)$/;
const KEPT = /^(licen[cs]e|notice|copying)/i;
const EPOCH_SECONDS = 0;

const [app, out] = process.argv.slice(2);
if (!APPS.includes(app)) {
  process.stderr.write(`APP is ${app}: expected ${APPS.join(', ')}\n`);
  process.exit(1);
}

const packages = closure(join(ROOT, 'apps', app));
for (const folder of packages) copyPackage(folder);
// The links of npm's workspaces.
for (const folder of packages.filter(isOurs)) link(folder);
addOwnFiles();
settle(out);
process.stdout.write(`${app}: ${packages.length} packages, ${packages.filter(isOurs).length} of them ours\n`);

/** Folders of a package and of all that it needs at run time. */
function closure(first) {
  const found = new Set();
  const queue = [first];
  for (const folder of queue) {
    if (found.has(folder)) continue;
    found.add(folder);
    const manifest = manifestOf(folder);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const isOptional = name in optionalDependencies || peerDependenciesMeta[name]?.optional === true;
      // What an optional peer is for, is asked for by those who have it as a dependency.
      if (isOptional && name in peerDependencies) continue;
      const dependency = find(name, folder);
      if (dependency !== null) queue.push(dependency);
      else if (!isOptional) throw new Error(`${manifest.name} needs ${name}, which is not installed`);
    }
  }
  return [...found].sort();
}

/** As Node looks: in the node_modules of this folder and of those around it. */
function find(name, from) {
  for (let folder = from; folder.startsWith(ROOT); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
  }
  return null;
}

function isOurs(folder) {
  return !relative(ROOT, folder).split('/').includes('node_modules');
}

function copyPackage(folder) {
  const names = isOurs(folder)
    ? ['package.json', 'dist']
    : readdirSync(folder).filter((name) => name !== 'node_modules');
  for (const name of names) copy(join(folder, name));
}

function copy(from) {
  cpSync(from, target(from), {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const name = basename(path);
      return KEPT.test(name) || !NOT_RUN.test(name);
    },
  });
}

function target(path) {
  return join(out, relative(ROOT, path));
}

function link(folder) {
  const { name } = manifestOf(folder);
  const path = join(out, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(relative(dirname(path), target(folder)), path);
}

function addOwnFiles() {
  const { version, license } = manifestOf(ROOT);
  const scripts = { start: 'node main.mjs' };
  if (existsSync(join(out, 'libs/engine'))) {
    scripts['gpu-check'] = 'node libs/engine/dist/gpu-check/main.js /models/current';
  }
  const manifest = { name: `sliceway-${app}`, version, license, private: true, type: 'module', scripts };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(out, 'main.mjs'), `import './apps/${app}/dist/main.js';\n`);
  for (const name of ['healthcheck.mjs', 'port.config.mjs', 'make-secrets.mjs']) {
    copyFileSync(join(import.meta.dirname, name), join(out, name));
  }
}

/** The same time for all, from the leaves up. */
function settle(path) {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) settle(child);
    else lutimesSync(child, EPOCH_SECONDS, EPOCH_SECONDS);
  }
  lutimesSync(path, EPOCH_SECONDS, EPOCH_SECONDS);
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
