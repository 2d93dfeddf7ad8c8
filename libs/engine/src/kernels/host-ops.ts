import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { loadElementwiseKernels, type ElementwiseKernels } from './load-kernels.js';
import { TensorOps } from './tensor-ops.js';

const WASM_PAGE_BYTES = 65_536;

/**
 * `Ops` for a backend that keeps tensors in the host's memory behind an interface of its own: values are copied to the SIMD
 * kernels and back, which takes a fifth of the time of the backend's many small operations.
 */
export class HostOps extends TensorOps {
  readonly #memory = new WebAssembly.Memory({ initial: 1 });
  readonly #kernels: ElementwiseKernels;
  readonly #eps: number;

  constructor(eps: number) {
    super(eps);
    this.#eps = eps;
    this.#kernels = loadElementwiseKernels(this.#memory);
  }

  override rmsNorm(x: Tensor, weight: Tensor1D): Tensor {
    const [rows, width] = [x.shape[0]!, x.shape[1]!];
    const [xAt, weightAt, outAt] = this.#place(x.size, width, x.size) as [number, number, number];
    this.#put(x, xAt);
    this.#put(weight, weightAt);
    this.#kernels.rmsNorm(xAt, weightAt, outAt, rows, width, this.#eps);
    return this.#take(outAt, [rows, width]);
  }

  override addRmsNorm(x: Tensor, delta: Tensor, weight: Tensor1D): { sum: Tensor; normed: Tensor } {
    const [rows, width] = [x.shape[0]!, x.shape[1]!];
    const places = this.#place(x.size, x.size, width, x.size) as [number, number, number, number];
    const [xAt, deltaAt, weightAt, outAt] = places;
    this.#put(x, xAt);
    this.#put(delta, deltaAt);
    this.#put(weight, weightAt);
    x.dispose();
    delta.dispose();
    this.#kernels.addRmsNorm(xAt, deltaAt, weightAt, outAt, rows, width, this.#eps);
    return { sum: this.#take(xAt, [rows, width]), normed: this.#take(outAt, [rows, width]) };
  }

  override siluMul(gateUp: Tensor): Tensor {
    const [rows, width] = [gateUp.shape[0]!, gateUp.shape[1]! / 2];
    const [from, to] = this.#place(gateUp.size, rows * width) as [number, number];
    this.#put(gateUp, from);
    this.#kernels.siluMul(from, to, rows, width);
    return this.#take(to, [rows, width]);
  }

  /** Byte offsets of so many floats each; the memory grows with the largest call. */
  #place(...sizes: number[]): number[] {
    let end = 64;
    const offsets = sizes.map((size) => {
      const at = end;
      end += Math.ceil(size / 16) * 64;
      return at;
    });
    const missing = Math.ceil((end - this.#memory.buffer.byteLength) / WASM_PAGE_BYTES);
    if (missing > 0) this.#memory.grow(missing);
    return offsets;
  }

  #put(x: Tensor, at: number): void {
    new Float32Array(this.#memory.buffer, at, x.size).set(this.read(x));
  }

  #take(at: number, shape: [number, number]): Tensor {
    return this.create(new Float32Array(this.#memory.buffer, at, shape[0] * shape[1]), shape);
  }
}
