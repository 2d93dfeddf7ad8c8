import { type GgufArray, GgufType } from './gguf-format.js';

/** Marks a number that is stored as f32 even if it is whole, such as `llama.rope.freq_base`. */
export class GgufFloat32 {
  constructor(readonly value: number) {}
}

/**
 * A metadata value to write. Its type in the file: string, bool; bigint u64 (i64 if negative); number u32 if whole and not
 * negative, i32 if whole and negative, else f32; {@link GgufFloat32} f32; a typed array its own element type.
 */
export type GgufWritable = string | number | bigint | boolean | GgufFloat32 | GgufArray;

/** `u32 type | value`. */
export function encodeTypedValue(value: GgufWritable): Buffer {
  const [type, bytes] = encodeValue(value);
  return Buffer.concat([uint32(type), bytes]);
}

export function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function encodeValue(value: GgufWritable): [GgufType, Buffer] {
  if (typeof value === 'string') return [GgufType.STRING, encodeString(value)];
  if (typeof value === 'boolean') return [GgufType.BOOL, Buffer.of(Number(value))];
  if (typeof value === 'bigint') {
    return value < 0n
      ? [GgufType.INT64, rawBytes(BigInt64Array.of(value))]
      : [GgufType.UINT64, rawBytes(BigUint64Array.of(value))];
  }
  if (value instanceof GgufFloat32) return [GgufType.FLOAT32, rawBytes(Float32Array.of(value.value))];
  if (typeof value !== 'number') return [GgufType.ARRAY, encodeArray(value)];
  if (!Number.isInteger(value)) return [GgufType.FLOAT32, rawBytes(Float32Array.of(value))];
  if (value >= 0) return [GgufType.UINT32, uint32(value)];
  return [GgufType.INT32, rawBytes(Int32Array.of(value))];
}

/** `u32 type | u64 count | values`. */
function encodeArray(values: GgufArray): Buffer {
  const head = (type: GgufType) => [uint32(type), uint64(values.length)];
  if (ArrayBuffer.isView(values)) return Buffer.concat([...head(elementType(values)), rawBytes(values)]);
  if (values.length > 0 && values.every((value) => typeof value === 'boolean')) {
    return Buffer.concat([...head(GgufType.BOOL), Buffer.from(values.map(Number))]);
  }
  return Buffer.concat([...head(GgufType.STRING), ...values.map((value) => encodeString(String(value)))]);
}

function elementType(values: ArrayBufferView): GgufType {
  if (values instanceof Uint8Array) return GgufType.UINT8;
  if (values instanceof Int8Array) return GgufType.INT8;
  if (values instanceof Uint16Array) return GgufType.UINT16;
  if (values instanceof Int16Array) return GgufType.INT16;
  if (values instanceof Uint32Array) return GgufType.UINT32;
  if (values instanceof Int32Array) return GgufType.INT32;
  if (values instanceof BigUint64Array) return GgufType.UINT64;
  if (values instanceof BigInt64Array) return GgufType.INT64;
  if (values instanceof Float32Array) return GgufType.FLOAT32;
  return GgufType.FLOAT64;
}

function rawBytes(values: ArrayBufferView): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
