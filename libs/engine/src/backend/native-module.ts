import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import { backend, env, setBackend } from '@tensorflow/tfjs-core';
import { NativeBackendError, NativeBackendErrorCode } from './native-backend-error.js';
import { nativeDirectoryFromEnv } from './native.config.js';

export { NativeBackendError, NativeBackendErrorCode };

export type NativeKind = 'node' | 'gpu';

/** A native backend that is in use. */
export interface NativeModule {
  readonly kind: NativeKind;
  /** Of tfjs-node, such as 4.22.0. */
  readonly version: string;
  /** Of TensorFlow's library, such as 2.17.1. */
  readonly tensorflow: string;
  /** Whether a GPU computes; `gpu` falls back to the CPU where there is none. */
  readonly gpu: boolean;
}

/** Names and folders as `npm run native` uses them. */
const PACKAGES: Readonly<Record<NativeKind, { name: string; folder: string; install: string }>> = {
  node: { name: '@tensorflow/tfjs-node', folder: 'tfjs-node-4.22.0', install: 'npm run native' },
  gpu: { name: '@tensorflow/tfjs-node-gpu', folder: 'tfjs-node-gpu-4.22.0', install: 'npm run native -- --gpu' },
};

/** The package, from where the program is installed (a user's own `npm install`), else from `npm run native`; null if in neither. */
export function findNativeModule(kind: NativeKind, directory = nativeDirectoryFromEnv()): string | null {
  const { name, folder } = PACKAGES[kind];
  for (const from of [import.meta.url, join(directory, folder, 'package.json')]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Loads tfjs-node or tfjs-node-gpu and makes `tensorflow` the backend of TensorFlow.js on this thread. The package brings a
 * tfjs-core of its own; both copies share engine and kernels, which are kept on globalThis. Threads are independent of each
 * other: each loads the addon anew and has its own tensors.
 *
 * A tensor made of a typed array keeps it, and may go on using its memory: the array must not be changed as long as the
 * tensor lives.
 *
 * @param directory where `npm run native` installs
 * @throws NativeBackendError `not_installed`, `load_failed`
 */
export function loadNativeModule(kind: NativeKind, directory = nativeDirectoryFromEnv()): NativeModule {
  const { name, install } = PACKAGES[kind];
  const path = findNativeModule(kind, directory);
  if (path === null) {
    throw new NativeBackendError(
      NativeBackendErrorCode.NOT_INSTALLED,
      `the backend ${kind} is not installed: ${name} is neither in node_modules nor in ${directory}. Install it with "${install}", or take the backend wasm.`,
    );
  }
  restoreUtil();
  // Two copies of tfjs-core warn of each other, unless in production.
  const isProduction = env().getBool('PROD');
  env().set('PROD', true);
  try {
    const { version } = createRequire(import.meta.url)(path) as { version: Readonly<Record<string, string>> };
    void setBackend('tensorflow');
    const native = backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
    return {
      kind,
      version: version['tfjs-node']!,
      tensorflow: native.binding.TF_Version,
      gpu: native.isUsingGpuDevice,
    };
  } catch (cause) {
    const { message } = cause as Error;
    throw new NativeBackendError(
      NativeBackendErrorCode.LOAD_FAILED,
      `the backend ${kind} does not load: ${message} (${path}). Install it again with "${install}${kind === 'gpu' ? '' : ' --'} --force", or take the backend wasm.`,
      { cause },
    );
  } finally {
    env().set('PROD', isProduction);
  }
}

/** tfjs-node 4.22 calls what Node 23 took out of `util`, and what earlier ones warn of. */
function restoreUtil(): void {
  Object.assign(util, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  });
}
