/**
 * A program of its own, `native-probe.js PACKAGE`: loads a native backend, multiplies two matrices, and prints what it found as
 * JSON. A broken addon takes a process down with it; this one may die.
 */
import { createRequire } from 'node:module';
import util from 'node:util';

/** The part of tfjs-node that is used here. */
interface TfjsNode {
  readonly version: Readonly<Record<string, string>>;
  backend(): { readonly binding: { readonly TF_Version: string }; readonly isUsingGpuDevice: boolean };
  getBackend(): string;
  matMul(a: number[][], b: number[][]): { arraySync(): number[][] };
}

/** Node 23 took them away; tfjs-node 4.22 calls them. */
Object.assign(util, {
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  isArray: Array.isArray,
});

// The message without the stack, which tells a user nothing.
process.on('uncaughtException', ({ message }) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
});

const [, , packagePath] = process.argv;
const tf = createRequire(import.meta.url)(packagePath!) as TfjsNode;
const backend = tf.backend();
const result = {
  backend: tf.getBackend(),
  version: tf.version['tfjs-node'],
  tensorflow: backend.binding.TF_Version,
  gpu: backend.isUsingGpuDevice,
  product: tf
    .matMul(
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    )
    .arraySync(),
  driver: hasCudaDriver(),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** Loads the driver's library as if it were an addon: what the loader says tells the two cases apart. */
function hasCudaDriver(): boolean {
  try {
    process.dlopen({ exports: {} }, 'libcuda.so.1');
    return true;
  } catch (error) {
    return !(error as Error).message.includes('cannot open shared object file');
  }
}
