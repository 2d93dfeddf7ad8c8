import { floatsToHalves } from './half-float.js';

/** The definition of binary16. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const half = (value: number) => floatsToHalves(Float32Array.of(value))[0]!;

describe('floatsToHalves', () => {
  test('every half converts to itself', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfToFloat(bits);
      if (Number.isNaN(value)) expect(halfToFloat(half(value))).toBeNaN();
      else expect(half(value)).toBe(bits);
    }
  });

  test('what lies between two halves goes to the nearer one, from the middle to the even one', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = halfToFloat(bits);
      const high = halfToFloat(bits + 1);
      expect(half(low + (high - low) * 0.49)).toBe(bits);
      expect(half(low + (high - low) * 0.51)).toBe(bits + 1);
      expect(half((low + high) / 2)).toBe(bits % 2 === 0 ? bits : bits + 1);
    }
  });

  test('overflows to infinity from 65520 on', () => {
    expect(half(65_519.99)).toBe(0x7bff);
    expect(half(65_520)).toBe(0x7c00);
    expect(half(-1e30)).toBe(0xfc00);
  });
});
