import { half } from './half-floats.js';

// Super-blocks of 256 values whose groups have quantized scales of their own. Scale times group scale times quant is at
// most 25 bits, which a double holds, and ggml's f32 rounds no earlier than at the last operation: equal to the bit.

/** 8 groups of 32: f16 scale, f16 minimum, 12 bytes of 6-bit group scales and minimums, 128 bytes of nibbles. */
export function q4_K(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 256, from += 144) {
    const scale = half(bytes, from);
    const minimum = half(bytes, from + 2);
    // 64 values are the low nibbles of 32 bytes, then their high nibbles.
    for (let group = 0, quants = from + 16; group < 8; group += 2, quants += 32, to += 64) {
      const scale0 = scale * groupScale(bytes, from + 4, group);
      const scale1 = scale * groupScale(bytes, from + 4, group + 1);
      const minimum0 = minimum * groupMinimum(bytes, from + 4, group);
      const minimum1 = minimum * groupMinimum(bytes, from + 4, group + 1);
      for (let i = 0; i < 32; i++) {
        const pair = bytes[quants + i]!;
        out[to + i] = (pair & 15) * scale0 - minimum0;
        out[to + i + 32] = (pair >> 4) * scale1 - minimum1;
      }
    }
  }
}

/** As Q4_K, with 32 bytes of fifth bits before the nibbles: bit g of byte i belongs to value i of group g. */
export function q5_K(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 256, from += 176) {
    const scale = half(bytes, from);
    const minimum = half(bytes, from + 2);
    const fifth = from + 16;
    for (let group = 0, quants = from + 48; group < 8; group += 2, quants += 32, to += 64) {
      const scale0 = scale * groupScale(bytes, from + 4, group);
      const scale1 = scale * groupScale(bytes, from + 4, group + 1);
      const minimum0 = minimum * groupMinimum(bytes, from + 4, group);
      const minimum1 = minimum * groupMinimum(bytes, from + 4, group + 1);
      for (let i = 0; i < 32; i++) {
        const pair = bytes[quants + i]!;
        const bits = bytes[fifth + i]! >> group;
        out[to + i] = ((pair & 15) | ((bits & 1) << 4)) * scale0 - minimum0;
        out[to + i + 32] = ((pair >> 4) | ((bits & 2) << 3)) * scale1 - minimum1;
      }
    }
  }
}

/** 16 groups of 16: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 signed group scales, f16 scale. */
export function q6_K(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  for (let block = 0; block < count; block += 256, from += 210) {
    const scale = half(bytes, from + 208);
    // In each half, 32 pairs of bytes and a byte of upper bits hold value i of all four runs of 32; groups are half a run.
    for (let sixteen = 0; sixteen < 4; sixteen++) {
      const upperHalf = sixteen >> 1;
      const first = (sixteen & 1) * 16;
      const lower = from + upperHalf * 64 + first;
      const upper = from + 128 + upperHalf * 32 + first;
      const scales = from + 192 + upperHalf * 8 + (sixteen & 1);
      const scale0 = scale * signed(bytes[scales]!);
      const scale1 = scale * signed(bytes[scales + 2]!);
      const scale2 = scale * signed(bytes[scales + 4]!);
      const scale3 = scale * signed(bytes[scales + 6]!);
      const start = to + upperHalf * 128 + first;
      for (let i = 0; i < 16; i++) {
        const a = bytes[lower + i]!;
        const b = bytes[lower + 32 + i]!;
        const bits = bytes[upper + i]!;
        out[start + i] = (((a & 15) | ((bits & 3) << 4)) - 32) * scale0;
        out[start + i + 32] = (((b & 15) | ((bits & 12) << 2)) - 32) * scale1;
        out[start + i + 64] = (((a >> 4) | (bits & 48)) - 32) * scale2;
        out[start + i + 96] = (((b >> 4) | ((bits & 192) >> 2)) - 32) * scale3;
      }
    }
    to += 256;
  }
}

/** Groups 0 to 3 have the lower 6 bits of a byte each; the others a nibble of bytes 8 to 11, and the spare 2 bits above. */
function groupScale(bytes: Uint8Array, packed: number, group: number): number {
  if (group < 4) return bytes[packed + group]! & 63;
  return (bytes[packed + group + 4]! & 15) | ((bytes[packed + group - 4]! >> 6) << 4);
}

function groupMinimum(bytes: Uint8Array, packed: number, group: number): number {
  if (group < 4) return bytes[packed + group + 4]! & 63;
  return (bytes[packed + group + 4]! >> 4) | ((bytes[packed + group]! >> 6) << 4);
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
