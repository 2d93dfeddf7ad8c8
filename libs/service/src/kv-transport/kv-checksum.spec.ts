import { crc32 } from 'node:zlib';
import { kvChecksum } from './kv-checksum.js';

const HEAD = { sender: '0000000a', rid: 'ab'.repeat(16), choice: 0, attempt: 0, room: 'cd'.repeat(8) };
const FRAME = {
  ...HEAD,
  seq: 1,
  last: true,
  layerFrom: 2,
  layerTo: 3,
  tokenFrom: 16,
  tokenTo: 32,
  firstTokens: [{ token: 7, finish: 1 as const }],
};

describe('kvChecksum', () => {
  it('is the crc32 of little-endian words, then of the payload', () => {
    const words = Buffer.alloc(8 * 4);
    [1, 1, 2, 3, 16, 32, 7, 1].forEach((word, i) => words.writeUInt32LE(word, 4 * i));
    expect(kvChecksum(FRAME, [Uint8Array.of(9, 8, 7)])).toBe(crc32(Buffer.concat([words, Buffer.of(9, 8, 7)])));
  });

  it('does not depend on how the payload is cut', () => {
    const whole = Uint8Array.from({ length: 100 }, (_, i) => i);
    expect(kvChecksum(FRAME, [whole.subarray(0, 33), whole.subarray(33)])).toBe(kvChecksum(FRAME, [whole]));
  });
});
