import { HeaderWriter, HexReader } from './header-text.js';
import { bitsToHex, randomBits } from './span-ids.js';

const words = [0x01234567, -1, 0, 0x09af90fa, ...Array.from({ length: 1000 }, randomBits)];

it('headers are texts and ids, one after another', () => {
  const header = new HeaderWriter(`00-${'0'.repeat(16)}-`);
  for (const bits of words) {
    header.id(3, bits, ~bits);
    header.text(20, 'role');
    expect(header.take(24)).toBe(`00-${bitsToHex(bits)}${bitsToHex(~bits)}-role`);
  }
});

it('reads the ids that were written', () => {
  const reader = new HexReader();
  const read = new Int32Array(3);
  for (const bits of words) {
    reader.load(`00-${bitsToHex(bits)}${bitsToHex(~bits)}-`);
    expect(reader.words(3, read, 1, 2)).toBe(true);
    expect([...read]).toEqual([0, bits, ~bits]);
  }
});

it('any character but a lowercase hex digit, at any place, is none', () => {
  const reader = new HexReader();
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    for (let at = 0; at < 8; at++) {
      reader.load(`${'9'.repeat(at)}${character}${'a'.repeat(15 - at)}`);
      expect([character, reader.words(0, new Int32Array(2), 0, 2)]).toEqual([character, /^[0-9a-f]$/.test(character)]);
    }
  }
});
