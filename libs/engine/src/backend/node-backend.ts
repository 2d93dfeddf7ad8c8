import { totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import { ready, setBackend } from '@tensorflow/tfjs-core';
import { HostOps } from '../kernels/host-ops.js';
import { TensorOps } from '../kernels/tensor-ops.js';
import type { Backend } from './backend.js';
import { loadNativeModule } from './native-module.js';

/**
 * Starts tfjs on TensorFlow, from `@tensorflow/tfjs-node` or, for a GPU, `@tensorflow/tfjs-node-gpu`; without a GPU the latter
 * computes on the CPU, and says so.
 * @throws NativeBackendError
 */
export async function startNodeBackend(kind: 'node' | 'gpu', directory?: string): Promise<Backend> {
  const native = loadNativeModule(kind, directory);
  await setBackend('tensorflow');
  await ready();
  return {
    info: {
      name: native.gpu ? 'gpu' : 'node',
      gpu: native.gpu,
      capacityBytes: native.gpu ? gpuMemoryBytes() : hostMemoryBytes(),
      // On the host the arrays that were loaded live until TensorFlow has made its own of them, at the first product.
      weightCopies: native.gpu ? 1 : 2,
      notice:
        kind === 'gpu' && !native.gpu
          ? `TensorFlow ${native.tensorflow} finds no GPU: computing on the CPU. Check nvidia-smi and the driver, then \`npm run gpu-check\`.`
          : null,
    },
    createOps: (rmsEps) => (native.gpu ? new TensorOps(rmsEps) : new HostOps(rmsEps)),
  };
}

/** What this process may use: a container's limit, else the machine's memory. */
function hostMemoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Memory of the smallest GPU, as the driver's own tool tells it; unbounded where that is missing. */
function gpuMemoryBytes(): number {
  try {
    const out = execFileSync('nvidia-smi', ['--query-gpu=memory.total', '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
      timeout: 5000,
    });
    const sizes = out
      .trim()
      .split('\n')
      .map(Number)
      .filter((size) => size > 0);
    return sizes.length > 0 ? Math.min(...sizes) * 2 ** 20 : Infinity;
  } catch {
    return Infinity;
  }
}
