import { join } from 'node:path';
import type { LocalConfig } from '../local.config.js';

/** `node` computes on the CPU, `gpu` on an NVIDIA GPU where there is one. */
export const NATIVE_KINDS = ['node', 'gpu'] as const;
export type NativeKind = (typeof NATIVE_KINDS)[number];

/** A native backend of TensorFlow.js, and what its addon is built against. */
export interface NativePackage {
  readonly name: string;
  readonly version: string;
  /** The PyPI wheel that holds libtensorflow, per `process.arch`; sizes are for the progress bar. */
  readonly wheels: Readonly<Record<string, { readonly requirement: string; readonly sizeBytes: number }>>;
  /** Whether the package's own installer is asked first. For GPUs it has TensorFlow 2.9 with CUDA 11, which new GPUs are not made for. */
  readonly hasOwnInstaller: boolean;
}

export const NATIVE_PACKAGES: Readonly<Record<NativeKind, NativePackage>> = {
  node: {
    name: '@tensorflow/tfjs-node',
    version: '4.22.0',
    wheels: {
      x64: { requirement: 'tensorflow-cpu==2.17.1', sizeBytes: 221_239_512 },
      // For arm64 `tensorflow` is the one for CPUs.
      arm64: { requirement: 'tensorflow==2.17.1', sizeBytes: 223_945_776 },
    },
    hasOwnInstaller: true,
  },
  gpu: {
    name: '@tensorflow/tfjs-node-gpu',
    version: '4.22.0',
    wheels: { x64: { requirement: 'tensorflow==2.17.1', sizeBytes: 601_300_475 } },
    hasOwnInstaller: false,
  },
};

/** The only file of node-api-headers that matters is js_native_api.h, whose version 8 is frozen. */
export const NODE_API_HEADERS = { name: 'node-api-headers', version: '1.9.0' };

/** Where a native backend is installed: `<SLICEWAY_NATIVE>/tfjs-node-4.22.0`. The engine looks for it by the same name. */
export function nativeDirectory(kind: NativeKind, config: LocalConfig): string {
  const { name, version } = NATIVE_PACKAGES[kind];
  return join(config.nativeDirectory, `${name.slice(name.indexOf('/') + 1)}-${version}`);
}

/** The package in an installation. */
export function packageDirectory(kind: NativeKind, installation: string): string {
  return join(installation, 'node_modules', NATIVE_PACKAGES[kind].name);
}
