import { readFileSync } from 'node:fs';
import { dequantizerOf, TENSOR_TYPE_NAMES } from './dequantize.js';

/** Of the Python package gguf, both in base64; see test/reference/make-dequantize-reference.py. */
type Reference = Readonly<Record<string, { readonly bytes: string; readonly floats: string }>>;

const file = new URL('../../test/reference/dequantize.json', import.meta.url);
const reference = JSON.parse(readFileSync(file, 'utf8')) as Reference;

function read(type: string, bytes: number[], count: number): number[] {
  const out = new Float32Array(count + 2);
  dequantizerOf(type, 't')(Uint8Array.from([0xff, ...bytes]), 1, out, 1, count);
  expect([out[0], out[count + 1]]).toEqual([0, 0]);
  return Array.from(out.subarray(1, count + 1));
}

const half = {
  one: [0x00, 0x3c],
  minusTwo: [0x00, 0xc0],
  quarter: [0x00, 0x34],
  smallest: [0x01, 0x00],
  infinity: [0x00, 0x7c],
};

describe('dequantizers', () => {
  it('reads halves, subnormal and infinite ones too', () => {
    const bytes = [...half.one, ...half.minusTwo, ...half.quarter, ...half.smallest, ...half.infinity];
    expect(read('F16', bytes, 5)).toEqual([1, -2, 0.25, 2 ** -24, Infinity]);
  });

  it('reads floats at any alignment', () => {
    expect(read('F32', [...new Uint8Array(Float32Array.of(1.5, -3).buffer)], 2)).toEqual([1.5, -3]);
  });

  it('reads Q4_1: nibble * scale + minimum, low nibbles first', () => {
    const nibbles = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
    const expected = [...Array(32).keys()].map((i) => (i < 16 ? i : 31 - i) * 0.25 - 2);
    expect(read('Q4_1', [...half.quarter, ...half.minusTwo, ...nibbles], 32)).toEqual(expected);
  });

  it('reads BF16: the upper half of a float, at any alignment', () => {
    expect(read('BF16', [0x80, 0x3f, 0x40, 0xc0], 2)).toEqual([1, -3]);
  });

  it('reads Q4_0: (nibble - 8) * scale', () => {
    const nibbles = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
    const expected = [...Array(32).keys()].map((i) => ((i < 16 ? i : 31 - i) - 8) * 0.25);
    expect(read('Q4_0', [...half.quarter, ...nibbles], 32)).toEqual(expected);
  });

  it('reads Q5_0 and Q5_1: bit i of a u32 is the fifth of quant i', () => {
    const fifthOfEven = [0x55, 0x55, 0x55, 0x55];
    const nibbles = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
    const quants = [...Array(32).keys()].map((i) => (i < 16 ? i : 31 - i) + (i % 2 === 0 ? 16 : 0));
    const q5_0 = read('Q5_0', [...half.quarter, ...fifthOfEven, ...nibbles], 32);
    expect(q5_0).toEqual(quants.map((quant) => (quant - 16) * 0.25));
    const q5_1 = read('Q5_1', [...half.quarter, ...half.minusTwo, ...fifthOfEven, ...nibbles], 32);
    expect(q5_1).toEqual(quants.map((quant) => quant * 0.25 - 2));
  });

  it('reads Q4_K: eight groups, the scales of the last four split over two bytes', () => {
    // Scales 1, 2, 3, 4, then 17, 18, 19, 20; minimums 5, 6, 7, 8, then 33, 34, 35, 36.
    const packed = [0x41, 0x42, 0x43, 0x44, 0x85, 0x86, 0x87, 0x88, 0x11, 0x22, 0x33, 0x44];
    const quants = Array<number>(128).fill(0xa3);
    const values = read('Q4_K', [...half.one, ...half.quarter, ...packed, ...quants], 256);
    const scales = [1, 2, 3, 4, 17, 18, 19, 20];
    const minimums = [5, 6, 7, 8, 33, 34, 35, 36];
    const expected = [...Array(256).keys()].map((i) => {
      const group = i >> 5;
      return (group % 2 === 0 ? 3 : 10) * scales[group]! - minimums[group]! * 0.25;
    });
    expect(values).toEqual(expected);
  });

  it.each(TENSOR_TYPE_NAMES)('reads %s as ggml does, to the bit, block after block', (type) => {
    const bytes = Buffer.from(reference[type]!.bytes, 'base64');
    const expected = new Uint8Array(Buffer.from(reference[type]!.floats, 'base64'));
    const count = expected.length / 4;
    const shifted = Uint8Array.from([0xff, ...bytes]);
    const out = new Float32Array(count + 2);
    dequantizerOf(type, 't')(shifted, 1, out, 1, count);
    expect([out[0], out[count + 1]]).toEqual([0, 0]);
    expect(new Uint8Array(out.buffer, 4, expected.length)).toEqual(expected);
  });

  it('reads Q8_0: signed byte * scale, block after block', () => {
    const block = (scale: number[], first: number): number[] => [
      ...scale,
      ...Array.from({ length: 32 }, (_, i) => (first + i) & 255),
    ];
    const values = read('Q8_0', [...block(half.quarter, -16), ...block(half.minusTwo, 0)], 64);
    expect(values.slice(0, 32)).toEqual([...Array(32).keys()].map((i) => (i - 16) * 0.25));
    expect(values[40]).toBe(-16);
  });

  it('names a type that it does not read', () => {
    expect(() => dequantizerOf('IQ2_XS', 'm.gguf: tensor blk.0.attn_q.weight')).toThrow(
      /blk\.0\.attn_q\.weight is IQ2_XS; the engine reads F32, F16, BF16, Q8_0, Q4_0, .*, Q6_K$/,
    );
  });
});
