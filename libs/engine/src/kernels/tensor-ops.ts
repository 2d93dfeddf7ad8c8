import {
  add,
  gather,
  mean,
  mul,
  rsqrt,
  sigmoid,
  slice,
  square,
  tensor,
  tensor1d,
  tidy,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import type { Ops } from './ops.js';

/** `Ops` as operations of TensorFlow.js, for any backend. */
export class TensorOps implements Ops {
  constructor(private readonly eps: number) {}

  rmsNorm(x: Tensor, weight: Tensor1D): Tensor {
    return tidy(() => mul(mul(x, rsqrt(add(mean(square(x), 1, true), this.eps))), weight));
  }

  addRmsNorm(x: Tensor, delta: Tensor, weight: Tensor1D): { sum: Tensor; normed: Tensor } {
    const sum = add(x, delta);
    x.dispose();
    delta.dispose();
    return { sum, normed: this.rmsNorm(sum, weight) };
  }

  addBias(x: Tensor, bias: Tensor1D): Tensor {
    const sum = add(x, bias);
    x.dispose();
    return sum;
  }

  siluMul(gateUp: Tensor): Tensor {
    const [rows, width] = [gateUp.shape[0]!, gateUp.shape[1]! / 2];
    return tidy(() => {
      const gate = slice(gateUp, [0, 0], [rows, width]);
      return mul(mul(gate, sigmoid(gate)), slice(gateUp, [0, width], [rows, width]));
    });
  }

  rows(x: Tensor, indices: Int32Array): Tensor {
    return tidy(() => gather(x, tensor1d(indices, 'int32')));
  }

  read(x: Tensor): Float32Array {
    return x.dataSync<'float32'>();
  }

  /** The backend may take the array over, so it gets one of its own. */
  create(values: Float32Array, shape: number[]): Tensor {
    return tensor(values.slice(), shape);
  }
}
