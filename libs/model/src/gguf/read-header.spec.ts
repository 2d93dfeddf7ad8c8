import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelFileError } from '../model-file-error.js';
import { openGguf } from './gguf-file.js';
import { writeGguf } from './gguf-writer.js';
import { temporaryFolder } from './temporary-gguf.fixture.js';
import { encodeString, encodeTypedValue, uint32, uint64 } from './write-value.js';

const folder = temporaryFolder();
const path = join(folder, 'model.gguf');

/** Opens a file of these parts after `"GGUF" | version 3`. */
function openParts(...parts: Buffer[]) {
  writeFileSync(path, Buffer.concat([Buffer.from('GGUF'), uint32(3), ...parts]));
  openGguf(path).close();
}

/** A tensor info with an offset into the tensor data. */
function tensorInfo(name: string, shape: number[], type: number, offset: number): Buffer {
  const dimensions = [uint32(shape.length), ...shape.map(uint64)];
  return Buffer.concat([encodeString(name), ...dimensions, uint32(type), uint64(offset)]);
}

const entry = (key: string, value: Buffer) => Buffer.concat([encodeString(key), value]);
const HUGE = Buffer.alloc(8, 0xff);
const DATA = Buffer.alloc(128);

describe('readHeader', () => {
  test('a file without tensors and metadata is fine, without padding too', () => {
    expect(() => openParts(uint64(0), uint64(0))).not.toThrow();
  });

  test('version 2 has the same layout', () => {
    writeGguf(path, { 'a.key': 1 }, [{ name: 'x', type: 'F32', shape: [1], data: Float32Array.of(2) }]);
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(2, 4);
    writeFileSync(path, bytes);
    const file = openGguf(path);
    expect([file.version, file.getNumber('a.key'), file.tensors.size]).toEqual([2, 1, 1]);
    file.close();
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'bad_magic'],
    ['half a magic', Buffer.from('GG'), 'bad_magic'],
    ['another format', Buffer.from('PK\x03\x04 and more'), 'bad_magic'],
    ['version 1', Buffer.concat([Buffer.from('GGUF'), uint32(1), DATA]), 'unsupported_version'],
    ['version 4', Buffer.concat([Buffer.from('GGUF'), uint32(4), DATA]), 'unsupported_version'],
    ['big-endian', Buffer.concat([Buffer.from('GGUF'), Buffer.of(0, 0, 0, 3), DATA]), 'unsupported_version'],
  ])('refuses %s', (_, bytes, code) => {
    writeFileSync(path, bytes);
    expect(() => openGguf(path)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(path) }));
  });

  test.each([
    ['more tensors than bytes', [HUGE, uint64(0)], 'truncated'],
    ['more entries than bytes', [uint64(0), HUGE], 'truncated'],
    ['a key longer than the file', [uint64(0), uint64(1), HUGE, DATA], 'truncated'],
    [
      'an array longer than the file',
      [uint64(0), uint64(1), entry('k', Buffer.concat([uint32(9), uint32(5), HUGE]))],
      'truncated',
    ],
    [
      'strings more than bytes',
      [uint64(0), uint64(1), entry('k', Buffer.concat([uint32(9), uint32(8), uint64(2)])), DATA.subarray(0, 15)],
      'truncated',
    ],
    ['an unknown value type', [uint64(0), uint64(1), entry('k', uint32(13)), DATA], 'bad_metadata'],
    [
      'an unknown element type',
      [uint64(0), uint64(1), entry('k', Buffer.concat([uint32(9), uint32(13)])), DATA],
      'bad_metadata',
    ],
    [
      'an array of arrays',
      [uint64(0), uint64(1), entry('k', Buffer.concat([uint32(9), uint32(9)])), DATA],
      'bad_metadata',
    ],
    [
      'a key twice',
      [uint64(0), uint64(2), entry('k', encodeTypedValue(1)), entry('k', encodeTypedValue(1))],
      'bad_metadata',
    ],
    ['alignment 0', [uint64(0), uint64(1), entry('general.alignment', encodeTypedValue(0))], 'bad_metadata'],
    ['alignment 48', [uint64(0), uint64(1), entry('general.alignment', encodeTypedValue(48))], 'bad_metadata'],
    ['alignment as text', [uint64(0), uint64(1), entry('general.alignment', encodeTypedValue('32'))], 'bad_metadata'],
    ['no dimension', [uint64(1), uint64(0), tensorInfo('t', [], 0, 0), DATA], 'bad_tensor'],
    ['five dimensions', [uint64(1), uint64(0), tensorInfo('t', [1, 1, 1, 1, 1], 0, 0), DATA], 'bad_tensor'],
    ['an empty dimension', [uint64(1), uint64(0), tensorInfo('t', [4, 0], 0, 0), DATA], 'bad_tensor'],
    ['half a block', [uint64(1), uint64(0), tensorInfo('t', [48], 3, 0), DATA], 'bad_tensor'],
    ['an offset between multiples', [uint64(1), uint64(0), tensorInfo('t', [1], 0, 16), DATA], 'bad_tensor'],
    [
      'a tensor twice',
      [uint64(2), uint64(0), tensorInfo('t', [1], 0, 0), tensorInfo('t', [1], 0, 32), DATA],
      'bad_tensor',
    ],
    [
      'tensors that overlap',
      [uint64(2), uint64(0), tensorInfo('t', [9], 0, 0), tensorInfo('u', [1], 0, 32), DATA],
      'bad_tensor',
    ],
    ['a removed tensor type', [uint64(1), uint64(0), tensorInfo('t', [32], 4, 0), DATA], 'unknown_tensor_type'],
    ['a future tensor type', [uint64(1), uint64(0), tensorInfo('t', [32], 999, 0), DATA], 'unknown_tensor_type'],
    ['a tensor beyond the end', [uint64(1), uint64(0), tensorInfo('t', [1], 0, 2 ** 40), DATA], 'truncated'],
    [
      'a tensor larger than numbers',
      [uint64(1), uint64(0), tensorInfo('t', [2 ** 52, 2 ** 52, 2 ** 52, 2 ** 52], 0, 0), DATA],
      'truncated',
    ],
  ])('refuses %s', (_, parts, code) => {
    expect(() => openParts(...(parts as Buffer[]))).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ['numbers', 0, 1],
    ['booleans', 7, 1],
    ['strings', 8, 8],
  ])('an array may have 2^24 %s, not one more', (_, type, bytesEach) => {
    const openArray = (count: number) => {
      const array = Buffer.concat([uint32(9), uint32(type), uint64(count)]);
      const header = Buffer.concat([Buffer.from('GGUF'), uint32(3), uint64(0), uint64(1), entry('k', array)]);
      writeFileSync(path, header);
      truncateSync(path, header.length + count * bytesEach);
      const file = openGguf(path);
      file.close();
      return file.metadata.get('k') as ArrayLike<unknown>;
    };
    expect(openArray(2 ** 24)).toHaveLength(2 ** 24);
    expect(() => openArray(2 ** 24 + 1)).toThrow(
      expect.objectContaining({ code: 'bad_metadata', message: expect.stringContaining('metadata k has 16777217') }),
    );
  });

  test('a tensor may end where the file ends, not one byte later', () => {
    const info = [uint64(1), uint64(0), tensorInfo('t', [5], 24, 0)];
    const headerBytes = 8 + Buffer.concat(info).length;
    const padding = Buffer.alloc((32 - (headerBytes % 32)) % 32);
    expect(() => openParts(...info, padding, Buffer.alloc(5))).not.toThrow();
    expect(() => openParts(...info, padding, Buffer.alloc(4))).toThrow(
      expect.objectContaining({ code: 'truncated', message: expect.stringContaining('tensor t') }),
    );
  });

  test('honours general.alignment', () => {
    const alignment = entry('general.alignment', encodeTypedValue(64));
    const info = [uint64(1), uint64(1), alignment, tensorInfo('t', [1], 24, 64)];
    const header = 8 + Buffer.concat(info).length;
    const dataOffset = Math.ceil(header / 64) * 64;
    const data = Buffer.alloc(dataOffset - header + 65);
    data[data.length - 1] = 42;
    writeFileSync(path, Buffer.concat([Buffer.from('GGUF'), uint32(3), ...info, data]));
    const file = openGguf(path);
    expect(file.dataOffset).toBe(dataOffset);
    expect([...file.readTensor(file.tensors.get('t')!)]).toEqual([42]);
    file.close();
  });

  test('a file cut anywhere fails by name, never otherwise', () => {
    const tensor = { name: 'weights', type: 'F32', shape: [4], data: Float32Array.of(1, 2, 3, 4) };
    writeGguf(path, { name: 'text', list: ['a', 'b'], numbers: Int32Array.of(1, 2), flag: true }, [tensor]);
    const bytes = readFileSync(path);
    const lastNeeded = bytes.length - 16;
    for (let length = 0; length < lastNeeded; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => openGguf(path)).toThrow(ModelFileError);
      expect(() => openGguf(path)).toThrow(expect.objectContaining({ code: length < 8 ? 'bad_magic' : 'truncated' }));
    }
    writeFileSync(path, bytes.subarray(0, lastNeeded));
    expect(() => openGguf(path).close()).not.toThrow();
  });
});
