import { parseCommandLine } from '../cli/cli-options.js';
import { type LocalConfig, localConfigFromEnv } from '../local.config.js';
import { type Reporter, reporterTo } from '../reporter.js';
import { checkNative, type NativeCheck } from './check-native.js';
import { installNative, type NativeInstallation } from './install-native.js';

export const NATIVE_USAGE = `Usage: npm run native -- [options]

Installs TensorFlow's own library, which the engine then computes with: on CPUs it multiplies matrices several times faster
than WebAssembly. It goes into a folder outside of this project (SLICEWAY_NATIVE, else the cache).

  --gpu    the one for NVIDIA GPUs, with CUDA 12 (several gigabytes)
  --force  installs it anew
  --help   this text
`;

const FLAG = { type: 'boolean' } as const;

/** `npm run native`: resolves with the exit code, 0, 1 when it failed, 2 for a wrong command line. */
export async function runNativeCli(
  argv: readonly string[],
  config: LocalConfig = localConfigFromEnv(),
  reporter: Reporter = reporterTo(process.stdout),
): Promise<number> {
  try {
    const { values: options } = parseCommandLine(argv, { gpu: FLAG, force: FLAG }, false);
    if (options.help === true) {
      reporter.note(NATIVE_USAGE);
      return 0;
    }
    const kind = options.gpu === true ? 'gpu' : 'node';
    const installation = await installNative({ kind, force: options.force === true, config, reporter });
    // Each time: what is in the folder stays the same, drivers and GPUs come and go.
    reporter.note(describe(installation, await checkNative(kind, installation.directory, config)));
    return 0;
  } catch (error) {
    const { name, message, stack } = error as Error;
    if (name === 'UsageError') reporter.note(`${message}\n\n${NATIVE_USAGE}`);
    else reporter.note(`\n${['ProvisionError', 'DownloadError'].includes(name) ? message : (stack ?? message)}`);
    return name === 'UsageError' ? 2 : 1;
  }
}

function describe({ kind, directory, source }: NativeInstallation, check: NativeCheck): string {
  const { version, tensorflow, gpu, gpuProblem } = check;
  const from = source === 'pypi' ? 'PyPI, addon built here' : "the package's own installer";
  const device = gpu ? 'a GPU' : gpuProblem === null ? 'the CPU' : `the CPU: NO GPU, ${gpuProblem}`;
  return [
    `Installed: ${directory}`,
    `backend: ${kind} (tfjs-node${kind === 'gpu' ? '-gpu' : ''} ${version})`,
    `TensorFlow: ${tensorflow} (from ${from})`,
    `computes on: ${device}`,
  ].join('\n');
}
