import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import type { FileCursor } from './file-cursor.js';
import { type GgufArray, type GgufScalar, GgufType, type GgufValue } from './gguf-format.js';

/** Many times the largest that is known: a vocabulary of 256,000 tokens and its merges. */
const MAX_ARRAY_LENGTH = 1 << 24;

interface NumberFormat {
  readonly bytes: number;
  readonly read: (bytes: Buffer) => number | bigint;
  readonly array: (bytes: ArrayBuffer) => GgufArray;
}

const numberFormats = new Map<number, NumberFormat>([
  [GgufType.UINT8, { bytes: 1, read: (b) => b.readUInt8(), array: (b) => new Uint8Array(b) }],
  [GgufType.INT8, { bytes: 1, read: (b) => b.readInt8(), array: (b) => new Int8Array(b) }],
  [GgufType.UINT16, { bytes: 2, read: (b) => b.readUInt16LE(), array: (b) => new Uint16Array(b) }],
  [GgufType.INT16, { bytes: 2, read: (b) => b.readInt16LE(), array: (b) => new Int16Array(b) }],
  [GgufType.UINT32, { bytes: 4, read: (b) => b.readUInt32LE(), array: (b) => new Uint32Array(b) }],
  [GgufType.INT32, { bytes: 4, read: (b) => b.readInt32LE(), array: (b) => new Int32Array(b) }],
  [GgufType.UINT64, { bytes: 8, read: (b) => b.readBigUInt64LE(), array: (b) => new BigUint64Array(b) }],
  [GgufType.INT64, { bytes: 8, read: (b) => b.readBigInt64LE(), array: (b) => new BigInt64Array(b) }],
  [GgufType.FLOAT32, { bytes: 4, read: (b) => b.readFloatLE(), array: (b) => new Float32Array(b) }],
  [GgufType.FLOAT64, { bytes: 8, read: (b) => b.readDoubleLE(), array: (b) => new Float64Array(b) }],
]);

/** Reads `u32 type | value` of the metadata entry `key`. @throws ModelFileError */
export function readValue(cursor: FileCursor, key: string): GgufValue {
  const what = `metadata ${key}`;
  const type = cursor.uint32(what);
  return type === GgufType.ARRAY ? readArray(cursor, what) : readScalar(cursor, type, what);
}

function readScalar(cursor: FileCursor, type: number, what: string): GgufScalar {
  if (type === GgufType.STRING) return cursor.string(what);
  if (type === GgufType.BOOL) return cursor.take(1, what)[0] !== 0;
  const format = numberFormats.get(type);
  if (!format) throw badType(cursor, type, what);
  return format.read(cursor.take(format.bytes, what));
}

/** `u32 type | u64 count | values`. */
function readArray(cursor: FileCursor, what: string): GgufArray {
  const type = cursor.uint32(what);
  if (type === GgufType.STRING) {
    const count = readCount(cursor, 8, what);
    const strings: string[] = [];
    for (let i = 0; i < count; i++) strings.push(cursor.string(what));
    return strings;
  }
  if (type === GgufType.BOOL) return Array.from(cursor.take(readCount(cursor, 1, what), what), (byte) => byte !== 0);
  const format = numberFormats.get(type);
  if (!format) throw badType(cursor, type, what);
  const bytes = cursor.take(readCount(cursor, format.bytes, what) * format.bytes, what);
  return format.array(new Uint8Array(bytes).buffer);
}

function readCount(cursor: FileCursor, minBytes: number, what: string): number {
  const count = cursor.count(minBytes, what);
  if (count <= MAX_ARRAY_LENGTH) return count;
  const message = `${cursor.path}: ${what} has ${count} values, more than ${MAX_ARRAY_LENGTH}; this is no usable model`;
  throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
}

function badType(cursor: FileCursor, type: number, what: string): ModelFileError {
  const named = type === GgufType.ARRAY ? 'an array of arrays' : `of the unknown type ${type}`;
  return new ModelFileError(ModelFileErrorCode.BAD_METADATA, `${cursor.path}: ${what} is ${named}`);
}
