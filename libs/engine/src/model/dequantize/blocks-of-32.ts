import { half } from './half-floats.js';

// ggml computes in f32, here it is doubles that are rounded once. The results are equal to the bit: a scale has 11
// significant bits and a quant at most 8, so that f32, too, holds their product exactly and rounds the last addition only.

/** f16 scale, 16 bytes of nibbles (low ones first): (nibble - 8) * scale. */
export function q4_0(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 32, from += 18, to += 32) {
    const scale = half(bytes, from);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 2 + i]!;
      out[to + i] = ((pair & 15) - 8) * scale;
      out[to + i + 16] = ((pair >> 4) - 8) * scale;
    }
  }
}

/** f16 scale, f16 minimum, 16 bytes of nibbles: nibble * scale + minimum. */
export function q4_1(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
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

/** f16 scale, the fifth bits of the 32 quants as one u32, 16 bytes of nibbles: (quant - 16) * scale. */
export function q5_0(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 32, from += 22, to += 32) {
    const scale = half(bytes, from);
    const low = bytes[from + 2]! | (bytes[from + 3]! << 8);
    const high = bytes[from + 4]! | (bytes[from + 5]! << 8);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 6 + i]!;
      out[to + i] = (((pair & 15) | (((low >> i) & 1) << 4)) - 16) * scale;
      out[to + i + 16] = (((pair >> 4) | (((high >> i) & 1) << 4)) - 16) * scale;
    }
  }
}

/** f16 scale, f16 minimum, fifth bits, nibbles: quant * scale + minimum. */
export function q5_1(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 32, from += 24, to += 32) {
    const scale = half(bytes, from);
    const minimum = half(bytes, from + 2);
    const low = bytes[from + 4]! | (bytes[from + 5]! << 8);
    const high = bytes[from + 6]! | (bytes[from + 7]! << 8);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 8 + i]!;
      out[to + i] = ((pair & 15) | (((low >> i) & 1) << 4)) * scale + minimum;
      out[to + i + 16] = ((pair >> 4) | (((high >> i) & 1) << 4)) * scale + minimum;
    }
  }
}

/** f16 scale, 32 signed bytes: byte * scale. */
export function q8_0(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  const quants = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let block = 0; block < count; block += 32, from += 34, to += 32) {
    const scale = half(bytes, from);
    for (let i = 0; i < 32; i++) out[to + i] = quants[from + 2 + i]! * scale;
  }
}
