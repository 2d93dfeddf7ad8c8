import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';

/** What a forward needs beside matrix products and attention. Tensors are [rows, width], f32. */
export interface Ops extends TensorIo {
  /** x / rms(x) * weight, row by row. */
  rmsNorm(x: Tensor, weight: Tensor1D): Tensor;
  /** sum = x + delta and its norm. Takes over x and delta: the caller goes on with `sum`. */
  addRmsNorm(x: Tensor, delta: Tensor, weight: Tensor1D): { sum: Tensor; normed: Tensor };
  /** x + bias in every row. Takes over x. */
  addBias(x: Tensor, bias: Tensor1D): Tensor;
  /** silu(gate) * up, of rows [gate | up]. */
  siluMul(gateUp: Tensor): Tensor;
  /** The rows at `indices`. */
  rows(x: Tensor, indices: Int32Array): Tensor;
}

/** How values get out of a backend and into it. */
export interface TensorIo {
  /** The values, row-major; may be a view that lasts until the next operation. */
  read(x: Tensor): Float32Array;
  /** A tensor with a copy of `values`. */
  create(values: Float32Array, shape: number[]): Tensor;
}
