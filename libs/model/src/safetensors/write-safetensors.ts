import { closeSync, openSync, writeSync } from 'node:fs';
import { type GgufTensorSource, tensorBytes } from '../gguf/gguf-writer.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { LENGTH_BYTES, typeOfDtype } from './safetensors-format.js';

/** Data begins at a multiple of this, as Hugging Face's own writer lays it down. */
const ALIGNMENT = 8;

/**
 * Writes a safetensors file of F32, F16 and BF16 tensors.
 *
 * @param tensors shapes in ggml's order, as for writeGguf; names go into the file as they are
 * @throws ModelFileError for a tensor whose type, shape and data do not fit together
 */
export function writeSafetensors(path: string, tensors: readonly GgufTensorSource[]): void {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const contents: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    if (!typeOfDtype(tensor.type)) {
      const message = `tensor ${tensor.name}: safetensors are written as F32, F16 or BF16, not ${tensor.type}`;
      throw new ModelFileError(ModelFileErrorCode.UNKNOWN_TENSOR_TYPE, message);
    }
    const bytes = tensorBytes(tensor);
    const end = offset + bytes.length;
    header[tensor.name] = { dtype: tensor.type, shape: tensor.shape.toReversed(), data_offsets: [offset, end] };
    contents.push(bytes);
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / ALIGNMENT) * ALIGNMENT, ' ');
  json.copy(padded);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(padded.length));
  const fd = openSync(path, 'w');
  try {
    for (const part of [length, padded, ...contents]) {
      for (let done = 0; done < part.length;) done += writeSync(fd, part, done);
    }
  } finally {
    closeSync(fd);
  }
}
