import { halfToFloat } from './half-floats.js';

export function f32(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  new Uint8Array(out.buffer, out.byteOffset + to * 4, count * 4).set(bytes.subarray(from, from + count * 4));
}

export function f16(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  const halves = shorts(bytes, from, count);
  for (let i = 0; i < count; i++) out[to + i] = halfToFloat[halves[i]!]!;
}

/** The upper 16 bits of a float. */
export function bf16(bytes: Uint8Array, from: number, out: Float32Array, to: number, count: number): void {
  const upper = shorts(bytes, from, count);
  const bits = new Uint32Array(out.buffer, out.byteOffset + to * 4, count);
  for (let i = 0; i < count; i++) bits[i] = upper[i]! << 16;
}

/** `count` 16-bit numbers at `from`: a view where the alignment allows one, else a copy. */
function shorts(bytes: Uint8Array, from: number, count: number): Uint16Array {
  const offset = bytes.byteOffset + from;
  if (offset % 2 === 0) return new Uint16Array(bytes.buffer, offset, count);
  return new Uint16Array(bytes.slice(from, from + 2 * count).buffer);
}
