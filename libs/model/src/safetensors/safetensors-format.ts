import { type TensorType, tensorTypeOfName } from '../gguf/tensor-types.js';

/** Bytes of the number before the header: u64, little endian. */
export const LENGTH_BYTES = 8;

/**
 * Some times the largest that is known: headers of real models are below 1 MB. The reference implementation takes 100 MB,
 * whose entries cost gigabytes of memory here.
 */
export const MAX_HEADER_BYTES = 16 << 20;

const DTYPES: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16']);

/** What a tensor of a model may be stored as; safetensors and ggml call these types alike. */
export function typeOfDtype(dtype: string): TensorType | undefined {
  return DTYPES.has(dtype) ? tensorTypeOfName(dtype) : undefined;
}
