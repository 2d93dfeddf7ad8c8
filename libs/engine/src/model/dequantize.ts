import { ModelFileError } from '@sliceway/model';
import { q4_0, q4_1, q5_0, q5_1, q8_0 } from './dequantize/blocks-of-32.js';
import { bf16, f16, f32 } from './dequantize/floats.js';
import { q4_K, q5_K, q6_K } from './dequantize/k-quants.js';

/** Turns `count` values (a whole number of blocks) at `from` in `bytes` into floats at `out[to…]`; the same as ggml to the bit. */
export type Dequantizer = (bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number) => void;

/** By ggml's name; blocks as in ggml-common.h, values as in ggml-quants.c. */
const dequantizers: Readonly<Record<string, Dequantizer>> = {
  F32: f32,
  F16: f16,
  BF16: bf16,
  Q8_0: q8_0,
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q4_K: q4_K,
  Q5_K: q5_K,
  Q6_K: q6_K,
};

/** The types that {@link dequantizerOf} knows. */
export const TENSOR_TYPE_NAMES: readonly string[] = Object.keys(dequantizers);

/** @throws ModelFileError (unknown_tensor_type) for a type that the engine does not read. */
export function dequantizerOf(type: string, tensor: string): Dequantizer {
  if (Object.hasOwn(dequantizers, type)) return dequantizers[type]!;
  const known = TENSOR_TYPE_NAMES.join(', ');
  throw new ModelFileError('unknown_tensor_type', `${tensor} is ${type}; the engine reads ${known}`);
}
