import { ModelFileError } from '@sliceway/model';

/** Turns `count` values (a whole number of blocks) at `from` in `bytes` into floats at `out[to…]`. */
export type Dequantizer = (bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number) => void;

const halfToFloat = makeHalfTable();

/** Float of a 16-bit IEEE half at bytes[at]. */
function half(bytes: Uint8Array, at: number): number {
  return halfToFloat[bytes[at]! | (bytes[at + 1]! << 8)]!;
}

function f32(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  new Uint8Array(out.buffer, out.byteOffset + to * 4, count * 4).set(bytes.subarray(from, from + count * 4));
}

function f16(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let i = 0; i < count; i++) out[to + i] = half(bytes, from + 2 * i);
}

/** Blocks of 32: f16 scale, f16 minimum, 16 bytes of nibbles (low ones first). */
function q4_1(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 32, from += 20, to += 32) {
    const scale = half(bytes, from);
    const minimum = half(bytes, from + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 4 + i]!;
      out[to + i] = (pair & 15) * scale + minimum;
      out[to + i + 16] = (pair >> 4) * scale + minimum;
    }
  }
}

/** Blocks of 32: f16 scale, 32 signed bytes. */
function q8_0(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 32, from += 34, to += 32) {
    const scale = half(bytes, from);
    for (let i = 0; i < 32; i++) out[to + i] = ((bytes[from + 2 + i]! << 24) >> 24) * scale;
  }
}

const dequantizers: Record<string, Dequantizer> = { F32: f32, F16: f16, Q4_1: q4_1, Q8_0: q8_0 };

/** @throws ModelFileError (unknown_tensor_type) for a type that the engine does not read. */
export function dequantizerOf(type: string, tensor: string): Dequantizer {
  const found = dequantizers[type];
  if (found) return found;
  const known = Object.keys(dequantizers).join(', ');
  throw new ModelFileError('unknown_tensor_type', `tensor ${tensor} is ${type}; the engine reads ${known}`);
}

function makeHalfTable(): Float32Array {
  const table = new Float32Array(65_536);
  for (let h = 0; h < 65_536; h++) {
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    const sign = h & 0x8000 ? -1 : 1;
    if (exponent === 0) table[h] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[h] = fraction ? NaN : sign * Infinity;
    else table[h] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}
