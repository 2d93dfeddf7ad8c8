#!/usr/bin/env node
/**
 * What `npm start`, `npm test` and the other root scripts run. It works in a bare clone: only Node itself is needed here, and
 * what else is missing is installed, built and provided before the command proper begins.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build, lint, typecheck } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { fail, ROOT } from './shell.mjs';
import { chaos, test } from './test.mjs';

/** Keep in step with "engines" in package.json. */
const MIN_NODE = [20, 19];

/** Goes on in this process, so that Ctrl-C and signals reach the program itself. */
async function become(main, args) {
  process.argv = [process.argv[0], main, ...args];
  await import(pathToFileURL(main).href);
}

const COMMANDS = {
  build: (args) => build({ args, quiet: false }),
  typecheck,
  lint,
  async test(args) {
    build({ quiet: true });
    await test(args);
  },
  async chaos(args) {
    build({ quiet: true });
    await chaos(args);
  },
  async start(args) {
    // --help must not have to wait for a build, but it needs one to be there.
    build({ quiet: true });
    await become(`${ROOT}/infra/local/dist/main.js`, args);
  },
  async trace(args) {
    build({ quiet: true });
    await become(`${ROOT}/infra/local/dist/trace/main.js`, args);
  },
  async 'gpu-check'() {
    build({ quiet: true });
    const { provideModel } = await import(`${ROOT}/infra/local/dist/index.js`);
    const model = await provideModel().catch((error) => fail(error.message));
    await become(`${ROOT}/libs/engine/dist/gpu-check/main.js`, [model]);
  },
  async 'nats-permissions'() {
    build({ quiet: true });
    const { natsAuthorization } = await import(`${ROOT}/libs/protocol/dist/index.js`);
    const head =
      '# Made by `npm run nats-permissions` from the table of messages in libs/protocol: change that, not this.\n';
    writeFileSync(`${ROOT}/infra/nats/permissions.conf`, head + natsAuthorization());
  },
  'prometheus-rule'() {
    const folder = `${ROOT}/infra/prometheus`;
    const [, groups] = /^(groups:\n.*)/ms.exec(readFileSync(`${folder}/alerts.yml`, 'utf8'));
    const head = readFileSync(`${folder}/prometheus-rule.yaml`, 'utf8').replace(/^spec:\n.*/ms, 'spec:\n');
    writeFileSync(`${folder}/prometheus-rule.yaml`, head + groups.replaceAll(/^(?=.)/gm, '  '));
  },
  async images(args) {
    await become(`${ROOT}/infra/docker/images.mjs`, args);
  },
  async 'e2e:compose'(args) {
    build({ quiet: true });
    await become(`${ROOT}/tests/dist/e2e-compose/main.js`, args);
  },
  async 'e2e:k8s'(args) {
    build({ quiet: true });
    await become(`${ROOT}/tests/dist/e2e-k8s/main.js`, args);
  },
  async native(args) {
    build({ quiet: true });
    await become(`${ROOT}/infra/local/dist/native/main.js`, args);
  },
  async bench(args) {
    build({ quiet: true });
    await become(`${ROOT}/benchmarks/dist/main.js`, args);
  },
};

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
  fail(`Node ${process.versions.node} is too old: install Node ${MIN_NODE.join('.')} or newer (https://nodejs.org)`);
}
const [name, ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : null;
if (command === null) fail(`Usage: node scripts/run.mjs ${Object.keys(COMMANDS).join('|')} [options]`);
ensureInstalled();
await command(args);
