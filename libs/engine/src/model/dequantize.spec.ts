import { dequantizerOf } from './dequantize.js';

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
    expect(() => dequantizerOf('IQ2_XS', 'blk.0.attn_q.weight')).toThrow(
      /blk\.0\.attn_q\.weight is IQ2_XS; the engine reads F32, F16, Q4_1, Q8_0/,
    );
  });
});
