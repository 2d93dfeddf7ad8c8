/** A number of the file that is not one of its tensors; 64-bit integers are bigints. */
export type GgufScalar = string | number | bigint | boolean;

/** An array of the header; numbers keep the width that they have in the file. */
export type GgufArray =
  | readonly string[]
  | readonly boolean[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** A metadata value. */
export type GgufValue = GgufScalar | GgufArray;

/** Where a tensor lies and how. */
export interface GgufTensor {
  readonly name: string;
  /** ggml's order: ne[0], the contiguous dimension, comes first. */
  readonly shape: readonly number[];
  /** ggml's name of the type, as in `Q4_1`. */
  readonly type: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export const GGUF_MAGIC = 'GGUF';
/** Tensor data begins at a multiple of this, unless `general.alignment` says otherwise. */
export const DEFAULT_ALIGNMENT = 32;
/** GGML_MAX_DIMS of ggml.h. */
export const MAX_DIMENSIONS = 4;

/** `enum gguf_type` of gguf.h. */
export const GgufType = {
  UINT8: 0,
  INT8: 1,
  UINT16: 2,
  INT16: 3,
  UINT32: 4,
  INT32: 5,
  FLOAT32: 6,
  BOOL: 7,
  STRING: 8,
  ARRAY: 9,
  UINT64: 10,
  INT64: 11,
  FLOAT64: 12,
} as const;
export type GgufType = (typeof GgufType)[keyof typeof GgufType];

/** The next multiple of `alignment`, a power of two. */
export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
