import { closeSync, openSync, writeSync } from 'node:fs';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { floatsToHalves } from './half-float.js';
import { alignUp, DEFAULT_ALIGNMENT, GGUF_MAGIC } from './gguf-format.js';
import { tensorByteLength, type TensorType, tensorTypeOfName } from './tensor-types.js';
import { encodeString, encodeTypedValue, type GgufWritable, uint32, uint64 } from './write-value.js';

/** A tensor to write. Floats are stored as F32 or F16; bytes of any type are stored as they are. */
export interface GgufTensorSource {
  readonly name: string;
  /** ggml's name of the type, as in `F32`. */
  readonly type: string;
  /** ggml's order: ne[0], the contiguous dimension, comes first. */
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/**
 * Writes a GGUF file of version 3.
 *
 * @param metadata see {@link GgufWritable} for the type that a value gets in the file
 * @throws ModelFileError for a tensor whose type, shape and data do not fit together
 */
export function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufWritable>>,
  tensors: readonly GgufTensorSource[],
): void {
  const entries = Object.entries(metadata);
  const header = [Buffer.from(GGUF_MAGIC), uint32(3), uint64(tensors.length), uint64(entries.length)];
  for (const [key, value] of entries) header.push(encodeString(key), encodeTypedValue(value));
  const contents = tensors.map(tensorBytes);
  let offset = 0;
  tensors.forEach(({ name, type, shape }, i) => {
    header.push(encodeString(name), uint32(shape.length), ...shape.map(uint64), uint32(typeOf(name, type).id));
    header.push(uint64(offset));
    offset = alignUp(offset + contents[i]!.length, DEFAULT_ALIGNMENT);
  });
  const fd = openSync(path, 'w');
  try {
    for (const part of [Buffer.concat(header), ...contents]) writePadded(fd, part);
  } finally {
    closeSync(fd);
  }
}

/** What a file holds of a tensor. @throws ModelFileError if its type, shape and data do not fit together */
export function tensorBytes({ name, type, shape, data }: GgufTensorSource): Uint8Array {
  const { name: typeName } = typeOf(name, type);
  const byteLength = tensorByteLength(typeOf(name, type), shape);
  const bytes = data instanceof Float32Array ? encodeFloats(name, typeName, data) : data;
  if (bytes.length === byteLength) return bytes;
  const message = `tensor ${name}: [${shape}] of ${type} takes ${byteLength} bytes, not ${bytes.length}`;
  throw new ModelFileError(ModelFileErrorCode.BAD_TENSOR, message);
}

function encodeFloats(name: string, type: string, data: Float32Array): Uint8Array {
  if (type === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (type === 'F16') return new Uint8Array(floatsToHalves(data).buffer);
  throw new ModelFileError(
    ModelFileErrorCode.BAD_TENSOR,
    `tensor ${name}: floats are written as F32 or F16, not ${type}`,
  );
}

function typeOf(name: string, type: string): TensorType {
  const found = tensorTypeOfName(type);
  if (found) return found;
  throw new ModelFileError(ModelFileErrorCode.UNKNOWN_TENSOR_TYPE, `tensor ${name} has the unknown type ${type}`);
}

function writePadded(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  const padding = Buffer.alloc(alignUp(bytes.length, DEFAULT_ALIGNMENT) - bytes.length);
  if (padding.length > 0) writeSync(fd, padding);
}
