import { fileURLToPath } from 'node:url';
import type { LocalConfig } from '../local.config.js';
import { ProvisionError, ProvisionErrorCode } from '../provide/provision-error.js';
import { NATIVE_PACKAGES, type NativeKind, packageDirectory } from './native-package.js';
import { lastLines, runProgram } from './run-program.js';

/** What a native backend said of itself after it had computed. */
export interface NativeCheck {
  readonly version: string;
  readonly tensorflow: string;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
  /** Why it does not, for the kind that should; else null. */
  readonly gpuProblem: string | null;
}

/**
 * Loads the backend in a process of its own and lets it multiply two matrices.
 *
 * @throws ProvisionError `native_failed`
 */
export async function checkNative(kind: NativeKind, installation: string, config: LocalConfig): Promise<NativeCheck> {
  const probe = fileURLToPath(new URL('./native-probe.js', import.meta.url));
  // Warnings and errors of TensorFlow, not what it tells besides.
  const env = { ...config.environment, TF_CPP_MIN_LOG_LEVEL: '1' };
  const args = [probe, packageDirectory(kind, installation)];
  const { exitCode, stdout, output } = await runProgram(process.execPath, args, { env });
  const answer = /^\{.*\}$/m.exec(stdout)?.[0];
  const { name } = NATIVE_PACKAGES[kind];
  if (exitCode !== 0 || answer === undefined)
    throw failed(kind, `${name} does not load (${exitCode}):\n${lastLines(output)}`);
  const { version, tensorflow, gpu, product, driver } = JSON.parse(answer) as ProbeAnswer;
  if (String(product) !== '19,22,43,50') throw failed(kind, `${name} multiplies two matrices to ${String(product)}`);
  return { version, tensorflow, gpu, gpuProblem: kind === 'gpu' && !gpu ? gpuProblem(driver, output) : null };
}

interface ProbeAnswer extends Omit<NativeCheck, 'gpuProblem'> {
  readonly product: number[][];
  readonly driver: boolean;
}

function gpuProblem(hasDriver: boolean, output: string): string {
  if (!hasDriver) return 'this machine has no libcuda.so.1, the library of the NVIDIA driver';
  const words = output
    .split('\n')
    // "2024-11-24 14:32:35.888302: E file.cc:485] words"; TensorFlow 2.17 always complains of registering plugins twice.
    .flatMap((line) => /^\S+ \S+ [WEF] \S+\] (.*(?:GPU|CUDA|cu[A-Z]|dlopen).*)$/.exec(line)?.[1] ?? [])
    .filter((line) => !line.startsWith('Unable to register'));
  return `TensorFlow found no GPU that it can use${words.length === 0 ? '' : `:\n${words.join('\n')}`}`;
}

function failed(kind: NativeKind, message: string): ProvisionError {
  const command = `npm run native -- ${kind === 'gpu' ? '--gpu ' : ''}--force`;
  return new ProvisionError(ProvisionErrorCode.NATIVE_FAILED, `${message}\nInstall it again with: ${command}`);
}
