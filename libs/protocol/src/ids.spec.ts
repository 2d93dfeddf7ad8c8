import { hexToU32, isHex, readHexBytes, u32ToHex, writeHexBytes } from './ids.js';
import { ProtocolError } from './protocol-error.js';

it.each([0, 1, 0x7fffffff, 0x80000000, 0xffffffff])('u32 %d as hex and back', (value) => {
  const hex = u32ToHex(value);
  expect(hex).toBe(value.toString(16).padStart(8, '0'));
  expect(hexToU32(hex, 0, 'instance')).toBe(value);
});

it('every byte as hex and back', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const hex = readHexBytes(bytes, 0, 256);
  expect(hex).toBe(Buffer.from(bytes).toString('hex'));
  const target = new Uint8Array(258);
  writeHexBytes(target, 1, hex, 256, 'bytes');
  expect(target.subarray(1, 257)).toEqual(bytes);
  expect([target[0], target[257]]).toEqual([0, 0]);
});

it.each(['0000000', '000000000', '0000000A', '0000000g', '0000000é', '0000000 '])('%j is no instance', (value) => {
  expect(isHex(value, 8)).toBe(false);
  expect(() => writeHexBytes(new Uint8Array(4), 0, value, 4, 'instance')).toThrow(ProtocolError);
});
