import { spawn } from 'node:child_process';
import { ENVIRONMENT } from './environment.config.mjs';
import { binOf, fail, ROOT } from './shell.mjs';

/** Runs Jest over all packages, with a real nats-server and a real model at hand; `args` go to Jest. */
export async function test(args) {
  const env = { ...ENVIRONMENT, ...(await provide()) };
  const jestArgs = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', binOf('jest'), ...args];
  const jest = spawn(process.execPath, jestArgs, { cwd: ROOT, env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to Jest as well; other signals are passed on. Either way Jest ends first.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
  process.exitCode = await new Promise((resolve) => jest.once('close', (code) => resolve(code ?? 130)));
}

/** The variables that make every test find the same server and model, without looking for them again. */
async function provide() {
  const { provideModel, provideNatsServer } = await import(`${ROOT}/infra/local/dist/index.js`);
  try {
    const nats = await provideNatsServer();
    return { ...('binary' in nats ? { NATS_SERVER: nats.binary } : {}), SLICEWAY_MODEL: await provideModel() };
  } catch (error) {
    if (!['ProvisionError', 'DownloadError'].includes(error.name)) throw error;
    return fail(error.message);
  }
}
