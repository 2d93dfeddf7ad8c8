import { bytesOfEntry } from './byte-level.js';

describe('bytesOfEntry', () => {
  test('reads the alphabet of GPT-2', () => {
    expect(Buffer.from(bytesOfEntry('ĠHelloĊ')).toString()).toBe(' Hello\n');
    expect([...bytesOfEntry('Āł¡¬Ń®ÿ')]).toEqual([0, 0xa0, 0xa1, 0xac, 0xad, 0xae, 0xff]);
    expect(Buffer.from(bytesOfEntry('ðŁĻĤ')).toString()).toBe('🙂');
  });

  test('has one character per byte', () => {
    const characters = Array.from({ length: 0x144 }, (_, code) => String.fromCharCode(code));
    const bytes = characters.map((character) => [...bytesOfEntry(character)]).filter(({ length }) => length === 1);
    const spelled = bytes.filter(([byte], i) => bytes.findIndex(([other]) => other === byte) === i);
    expect(spelled).toHaveLength(256);
  });

  test('other characters are their UTF-8', () => {
    expect(Buffer.from(bytesOfEntry('漢')).toString()).toBe('漢');
  });
});
