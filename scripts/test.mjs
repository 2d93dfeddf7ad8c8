import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { ENVIRONMENT } from './environment.config.mjs';
import { binOf, fail, note, ROOT } from './shell.mjs';

/** Runs Jest over all packages, with a real nats-server, a real model and the native backend at hand; `args` go to Jest. */
export async function test(args) {
  const env = { ...ENVIRONMENT, ...(await provide()) };
  const jestArgs = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', binOf('jest'), ...args];
  const jest = spawn(process.execPath, jestArgs, { cwd: ROOT, env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to Jest as well; other signals are passed on. Either way Jest ends first.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
  process.exitCode = await new Promise((resolve) => jest.once('close', (code) => resolve(code ?? 130)));
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
