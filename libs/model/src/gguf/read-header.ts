import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import type { FileCursor } from './file-cursor.js';
import {
  alignUp,
  DEFAULT_ALIGNMENT,
  GGUF_MAGIC,
  type GgufTensor,
  type GgufValue,
  MAX_DIMENSIONS,
} from './gguf-format.js';
import { readValue } from './read-value.js';
import { tensorByteLength, tensorTypeOfId } from './tensor-types.js';

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Where tensor data begins, in bytes from the start of the file. */
  readonly dataOffset: number;
}

/** Key: length 8, type 4, value 1. */
const MIN_ENTRY_BYTES = 13;
/** Name length 8, dimensions 4, one size 8, type 4, offset 8. */
const MIN_TENSOR_BYTES = 32;

/**
 * Reads what comes before the tensor data:
 * `"GGUF" | u32 version | u64 tensors | u64 entries | entries (string key, u32 type, value) | tensor infos | padding`.
 *
 * @throws ModelFileError
 */
export function readHeader(cursor: FileCursor): GgufHeader {
  const version = readVersion(cursor);
  const tensorCount = cursor.count(MIN_TENSOR_BYTES, 'tensors');
  const entryCount = cursor.count(MIN_ENTRY_BYTES, 'metadata entries');
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.string(`the key of metadata entry ${i}`);
    if (metadata.has(key)) throw fault(cursor, ModelFileErrorCode.BAD_METADATA, `metadata ${key} is there twice`);
    metadata.set(key, readValue(cursor, key));
  }
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof alignment !== 'number' || !isPowerOfTwo(alignment)) {
    throw fault(cursor, ModelFileErrorCode.BAD_METADATA, `general.alignment is ${alignment}, not a power of two`);
  }
  const relative: GgufTensor[] = [];
  for (let i = 0; i < tensorCount; i++) relative.push(readTensorInfo(cursor, i, alignment));
  const dataOffset = alignUp(cursor.position, alignment);
  return { version, metadata, tensors: placeTensors(cursor, relative, dataOffset), dataOffset };
}

function readVersion(cursor: FileCursor): number {
  if (cursor.sizeBytes < 8 || cursor.take(4, 'the magic').toString('latin1') !== GGUF_MAGIC) {
    throw fault(cursor, ModelFileErrorCode.BAD_MAGIC, 'this is no GGUF file; name a .gguf file');
  }
  const version = cursor.uint32('the version');
  if (version === 2 || version === 3) return version;
  const hint = (version & 0xffff) === 0 ? 'it is big-endian' : 'versions 2 and 3 are supported; convert the model anew';
  throw fault(cursor, ModelFileErrorCode.UNSUPPORTED_VERSION, `GGUF version ${version}: ${hint}`);
}

/** The offset of the result is relative to the tensor data. */
function readTensorInfo(cursor: FileCursor, index: number, alignment: number): GgufTensor {
  const name = cursor.string(`the name of tensor ${index}`);
  const what = `tensor ${name}`;
  const dimensions = cursor.uint32(what);
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw fault(cursor, ModelFileErrorCode.BAD_TENSOR, `${what} has ${dimensions} dimensions`);
  }
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.push(cursor.uint64(what));
  const typeId = cursor.uint32(what);
  const type = tensorTypeOfId(typeId);
  if (!type) throw fault(cursor, ModelFileErrorCode.UNKNOWN_TENSOR_TYPE, `${what} has the unknown type ${typeId}`);
  const byteLength = tensorByteLength(type, shape);
  if (!(byteLength > 0)) {
    throw fault(cursor, ModelFileErrorCode.BAD_TENSOR, `${what} cannot be [${shape}] of type ${type.name}`);
  }
  const offset = cursor.uint64(what);
  if (offset % alignment !== 0) {
    throw fault(cursor, ModelFileErrorCode.BAD_TENSOR, `${what} begins at ${offset}, no multiple of ${alignment}`);
  }
  return { name, shape, type: type.name, offset, byteLength };
}

function placeTensors(cursor: FileCursor, infos: readonly GgufTensor[], dataOffset: number): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const info of infos) {
    const offset = dataOffset + info.offset;
    if (offset + info.byteLength > cursor.sizeBytes) {
      const span = `bytes ${offset} to ${offset + info.byteLength}`;
      const message = `the file has ${cursor.sizeBytes} bytes but tensor ${info.name} takes ${span}; download it again`;
      throw fault(cursor, ModelFileErrorCode.TRUNCATED, message);
    }
    if (tensors.has(info.name)) {
      throw fault(cursor, ModelFileErrorCode.BAD_TENSOR, `tensor ${info.name} is there twice`);
    }
    tensors.set(info.name, { ...info, offset });
  }
  refuseOverlaps(cursor, [...tensors.values()]);
  return tensors;
}

function refuseOverlaps(cursor: FileCursor, tensors: GgufTensor[]): void {
  let end = 0;
  for (const { name, offset, byteLength } of tensors.sort((a, b) => a.offset - b.offset)) {
    if (offset < end) {
      const message = `tensor ${name} at byte ${offset} overlaps the tensor before it`;
      throw fault(cursor, ModelFileErrorCode.BAD_TENSOR, message);
    }
    end = offset + byteLength;
  }
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function fault(cursor: FileCursor, code: ModelFileErrorCode, message: string): ModelFileError {
  return new ModelFileError(code, `${cursor.path}: ${message}`);
}
