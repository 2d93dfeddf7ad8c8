import { bitsToHex, hexToBits, kvSpanIds, newSpanId, randomBits, spanIdToHex } from './span-ids.js';

it.each(['00000000', '01234567', '89abcdef', 'ffffffff', '80000000', '00000080'])(
  '%s is four bytes in memory',
  (hex) => {
    expect(hexToBits(hex, 0)).toBe(Buffer.from(hex, 'hex').readInt32LE());
    expect(bitsToHex(hexToBits(hex, 0))).toBe(hex);
    expect(hexToBits(`x${hex}x`, 1)).toBe(hexToBits(hex, 0));
  },
);

it('capital digits are digits', () => {
  expect(hexToBits('89ABCDEF', 0)).toBe(hexToBits('89abcdef', 0));
});

it('a span id is two words, first byte first', () => {
  const ids = Int32Array.of(randomBits(), randomBits(), randomBits());
  expect(spanIdToHex(ids, 1)).toBe(Buffer.from(ids.buffer, 4, 8).toString('hex'));
});

it('span ids count from a random place', () => {
  const [[high, low], [sameHigh, next]] = [newSpanId(), newSpanId()];
  expect(high).not.toBe(0);
  expect([sameHigh, next]).toEqual([high, (low + 1) | 0]);
});

it('the ends of a KV transfer have span ids of their own', () => {
  const { prefill, decode } = kvSpanIds('0123456789abcdef');
  expect(prefill).toMatch(/^01234567[0-9a-f]{8}$/);
  expect(decode).toMatch(/^01234567[0-9a-f]{8}$/);
  expect(prefill).not.toBe(decode);
});
