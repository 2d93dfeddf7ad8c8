// Times a matrix product on the backend `gpu`.
import { parentPort } from 'node:worker_threads';
import { matMul, randomUniform, slice } from '@tensorflow/tfjs-core';
import { NativeBackendError } from '../backend/native-backend-error.js';
import { loadNativeModule, type NativeModule } from '../backend/native-module.js';

export type MatmulReport =
  | (NativeModule & { readonly size: number; readonly gflops: number })
  /** Why there is no such backend, and what to do. */
  | { readonly problem: string };

const ROUNDS = 7;

function report(): MatmulReport {
  try {
    const native = loadNativeModule('gpu');
    const size = native.gpu ? 8192 : 1024;
    return { ...native, size, gflops: rate(size) };
  } catch (error) {
    if (error instanceof NativeBackendError) return { problem: error.message };
    throw error;
  }
}

/** GFLOP/s of the fastest of some products; a product is done when a value of it is here. */
function rate(size: number): number {
  const [a, b] = [randomUniform([size, size]), randomUniform([size, size])];
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const product = matMul(a, b);
    const corner = slice(product, [0, 0], [1, 1]);
    corner.dataSync();
    best = Math.min(best, performance.now() - start);
    corner.dispose();
    product.dispose();
  }
  return (2 * size ** 3) / best / 1e6;
}

parentPort!.postMessage(report());
