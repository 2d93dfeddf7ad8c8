import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ENVIRONMENT } from './environment.config.mjs';
import { binOf, fail, note, ROOT } from './shell.mjs';

const OUTPUT_FILE = '--outputFile=';
/** Files in a folder of this checkout, wherever that lies. */
const under = (folders) => `^${ROOT.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}/(${folders})`;
const CHAOS = under('tests/dist/chaos-');
/** Every one has a cluster of its own: more of them at once wait for the machine, and not for what they test. */
const CHAOS_WORKERS = '--maxWorkers=2';
/** Tests of the whole that start no cluster. */
const WITHOUT_CLUSTER = under(
  'tests/dist/(tracing/|(compose|dashboard-model|examples|images|kubernetes|protocol-doc|supply-chain|tracing-doc)\\.)',
);
/** Two runs, each with half of the machine. */
const pair = (...patterns) => patterns.map((pattern) => [pattern, '--maxWorkers=50%']);
/**
 * What runs side by side, one group after the other, a Jest each: one keeps much of every file that it ran, and all of them took 2 GB.
 * Those that start clusters have the machine for themselves. The chaos tests come last: they strike at stages that are short, which a
 * busy machine makes hard. The two of a group take about as long.
 */
const GROUPS = [
  pair(under('libs/service/'), under('libs/(?!service/)')),
  pair(under('apps/|infra/|benchmarks/'), WITHOUT_CLUSTER),
  [[under('tests/dist/'), '--testPathIgnorePatterns', WITHOUT_CLUSTER, CHAOS]],
  [[CHAOS, CHAOS_WORKERS]],
];

let isInterrupted = false;

/**
 * Runs Jest over all packages, with a real nats-server, a real model and the native backend at hand; `args` go to Jest. Who picks
 * tests gets just those, in one run.
 */
export async function test(args) {
  const env = { ...ENVIRONMENT, ...(await provide()) };
  if (!args.every((arg) => arg.startsWith('--'))) return void (process.exitCode = await jest(args, env));
  const outputFile = args.find((arg) => arg.startsWith(OUTPUT_FILE))?.slice(OUTPUT_FILE.length);
  const rest = args.filter((arg) => !arg.startsWith(OUTPUT_FILE));
  const files = [];
  for (const group of GROUPS) {
    const codes = group.map((jestArgs) => {
      files.push(`${outputFile}.${files.length}`);
      const output = outputFile === undefined ? [] : [`${OUTPUT_FILE}${files.at(-1)}`];
      return jest([...jestArgs, ...rest, ...output], env);
    });
    for (const code of await Promise.all(codes)) process.exitCode ||= code;
    if (isInterrupted) break;
  }
  if (outputFile !== undefined) joinResults(outputFile, files);
}

/** Runs the chaos tests alone. */
export async function chaos(args) {
  process.exitCode = await jest([CHAOS, CHAOS_WORKERS, ...args], { ...ENVIRONMENT, ...(await provide()) });
}

/** Joins Jest's results of several runs, as if they had been one; a run without any leaves none. */
function joinResults(outputFile, files) {
  const parts = files.map((file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null));
  for (const file of files) rmSync(file, { force: true });
  // report-tests.mjs says so when there is none.
  if (parts.includes(null)) return rmSync(outputFile, { force: true });
  const [all, ...others] = parts;
  for (const each of others) {
    for (const name of Object.keys(all)) if (name.startsWith('num')) all[name] += each[name];
    all.testResults.push(...each.testResults);
    all.success &&= each.success;
  }
  writeFileSync(outputFile, JSON.stringify(all));
}

/**
 * With modules of `vm` Node 20 itself crashes in perhaps one run of ten, at no test in particular (as in nodejs/node#43083): what a
 * crash ended runs again, once, and says so. (Where Jest has processes of its own, one that crashes fails its test file.)
 *
 * @returns the exit code
 */
async function jest(args, env) {
  const first = await runJest(args, env);
  if (first.signal === null || isInterrupted) return first.code ?? 130;
  note(`Jest was ended by ${first.signal}. These tests run again.`);
  const { code, signal } = await runJest(args, env);
  if (signal !== null) note(`Jest was ended by ${signal} again.`);
  return code ?? 130;
}

async function runJest(args, env) {
  const jestArgs = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', binOf('jest'), ...args];
  const child = spawn(process.execPath, jestArgs, { cwd: ROOT, env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to Jest as well; other signals are passed on. Either way Jest ends first.
  const passOn = {
    SIGINT: () => (isInterrupted = true),
    ...Object.fromEntries(
      ['SIGTERM', 'SIGHUP'].map((signal) => [
        signal,
        () => {
          isInterrupted = true;
          child.kill(signal);
        },
      ]),
    ),
  };
  for (const [signal, listener] of Object.entries(passOn)) process.on(signal, listener);
  const [code, signal] = await once(child, 'close');
  for (const [name, listener] of Object.entries(passOn)) process.off(name, listener);
  return { code, signal };
}

/** The variables that make every test find the same server, model and native backend, without looking for them again. */
async function provide() {
  const { provideModel, provideNatsServer } = await import(`${ROOT}/infra/local/dist/index.js`);
  try {
    const nats = await provideNatsServer();
    const model = await provideModel();
    return {
      ...('binary' in nats ? { NATS_SERVER: nats.binary } : {}),
      SLICEWAY_MODEL: model,
      ...(await provideNative()),
    };
  } catch (error) {
    if (!['ProvisionError', 'DownloadError'].includes(error.name)) throw error;
    return fail(error.message);
  }
}

/** A machine that cannot have it still runs all tests of other things. */
async function provideNative() {
  const { installNative } = await import(`${ROOT}/infra/local/dist/index.js`);
  try {
    const { directory } = await installNative({ kind: 'node' });
    // TensorFlow's log in a worker thread heeds only what the process began with.
    const { TF_CPP_MIN_LOG_LEVEL = '2' } = ENVIRONMENT;
    return { SLICEWAY_NATIVE: dirname(directory), TF_CPP_MIN_LOG_LEVEL };
  } catch (error) {
    note(`The tests of the native backend will fail: ${error.message}`);
    return {};
  }
}
