import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { WasmHeap } from '../backend/wasm-backend.js';
import { loadElementwiseKernels, type ElementwiseKernels } from './load-kernels.js';
import type { Ops } from './ops.js';

/** `Ops` as fused SIMD kernels inside tfjs's own memory: no copies, one call each. */
export class WasmOps implements Ops {
  readonly #kernels: ElementwiseKernels;

  constructor(
    private readonly heap: WasmHeap,
    private readonly eps: number,
  ) {
    this.#kernels = loadElementwiseKernels(heap.memory);
  }

  rmsNorm(x: Tensor, weight: Tensor1D): Tensor {
    const out = this.heap.allocate(x.shape);
    const at = this.heap.address;
    this.#kernels.rmsNorm(at(x), at(weight), at(out), x.shape[0]!, x.shape[1]!, this.eps);
    return out;
  }

  addRmsNorm(x: Tensor, delta: Tensor, weight: Tensor1D): { sum: Tensor; normed: Tensor } {
    const normed = this.heap.allocate(x.shape);
    const at = this.heap.address;
    this.#kernels.addRmsNorm(at(x), at(delta), at(weight), at(normed), x.shape[0]!, x.shape[1]!, this.eps);
    delta.dispose();
    return { sum: x, normed };
  }

  addBias(x: Tensor, bias: Tensor1D): Tensor {
    this.#kernels.addBias(this.heap.address(x), this.heap.address(bias), x.shape[0]!, x.shape[1]!);
    return x;
  }

  siluMul(gateUp: Tensor): Tensor {
    const [rows, width] = [gateUp.shape[0]!, gateUp.shape[1]! / 2];
    const out = this.heap.allocate([rows, width]);
    this.#kernels.siluMul(this.heap.address(gateUp), this.heap.address(out), rows, width);
    return out;
  }

  rows(x: Tensor, indices: Int32Array): Tensor {
    const width = x.shape[1]!;
    const out = this.heap.allocate([indices.length, width]);
    const from = this.heap.view(x);
    const to = this.heap.view(out);
    for (let i = 0; i < indices.length; i++)
      to.set(from.subarray(indices[i]! * width, (indices[i]! + 1) * width), i * width);
    return out;
  }

  read(x: Tensor): Float32Array {
    return this.heap.view(x);
  }

  create(values: Float32Array, shape: number[]): Tensor {
    const out = this.heap.allocate(shape);
    this.heap.view(out).set(values);
    return out;
  }
}
