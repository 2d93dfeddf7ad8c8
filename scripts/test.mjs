import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ENVIRONMENT } from './environment.config.mjs';
import { binOf, fail, note, ROOT } from './shell.mjs';

const OUTPUT_FILE = '--outputFile=';
const CHAOS = 'tests/dist/chaos-';
/** Every one has a cluster of its own: more of them at once wait for the machine, and not for what they test. */
const CHAOS_WORKERS = '--maxWorkers=2';

let isInterrupted = false;

/**
 * Runs Jest over all packages, with a real nats-server, a real model and the native backend at hand; `args` go to Jest. The
 * chaos tests come last, by themselves: they strike at stages that are short, which a busy machine makes hard. Who picks
 * tests gets just those, in one run.
 */
export async function test(args) {
  const env = { ...ENVIRONMENT, ...(await provide()) };
  if (!args.every((arg) => arg.startsWith('--'))) return void (process.exitCode = await jest(args, env));
  const others = await jest(
    [`--testPathIgnorePatterns=/node_modules/`, `--testPathIgnorePatterns=${CHAOS}`, ...args],
    env,
  );
  if (isInterrupted) return void (process.exitCode = others);
  const outputFile = args.find((arg) => arg.startsWith(OUTPUT_FILE))?.slice(OUTPUT_FILE.length);
  const rest = args.filter((arg) => !arg.startsWith(OUTPUT_FILE));
  if (outputFile !== undefined) rest.push(`${OUTPUT_FILE}${outputFile}.chaos`);
  const chaotic = await jest([CHAOS, CHAOS_WORKERS, ...rest], env);
  if (outputFile !== undefined) addResults(outputFile, `${outputFile}.chaos`);
  process.exitCode = others || chaotic;
}

/** Runs the chaos tests alone. */
export async function chaos(args) {
  process.exitCode = await jest([CHAOS, CHAOS_WORKERS, ...args], { ...ENVIRONMENT, ...(await provide()) });
}

/** Adds Jest's results of one run to those of another, as if both had been one; a run without any fails the whole. */
function addResults(file, addedFile) {
  const [all, added] = [file, addedFile].map((each) =>
    existsSync(each) ? JSON.parse(readFileSync(each, 'utf8')) : null,
  );
  rmSync(addedFile, { force: true });
  // report-tests.mjs says so when there is none.
  if (all === null || added === null) return rmSync(file, { force: true });
  for (const name of Object.keys(all)) if (name.startsWith('num')) all[name] += added[name];
  all.testResults.push(...added.testResults);
  all.success &&= added.success;
  writeFileSync(file, JSON.stringify(all));
}

/** @returns the exit code */
async function jest(args, env) {
  const jestArgs = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', binOf('jest'), ...args];
  const child = spawn(process.execPath, jestArgs, { cwd: ROOT, env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to Jest as well; other signals are passed on. Either way Jest ends first.
  process.on('SIGINT', () => (isInterrupted = true));
  for (const signal of ['SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      isInterrupted = true;
      child.kill(signal);
    });
  }
  return await new Promise((resolve) =>
    child.once('close', (code, signal) => {
      if (signal !== null && !isInterrupted) note(`Jest was ended by ${signal}.`);
      resolve(code ?? 130);
    }),
  );
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
