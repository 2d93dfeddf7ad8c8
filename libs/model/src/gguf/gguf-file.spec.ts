import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelFileErrorCode } from '../model-file-error.js';
import { openGguf } from './gguf-file.js';
import { temporaryFolder, writeAndOpen } from './temporary-gguf.fixture.js';
import { GgufFloat32 } from './write-value.js';

const folder = temporaryFolder();

const METADATA = {
  'general.architecture': 'llama',
  'a.string': 'é 🙂 \0',
  'a.uint32': 4_294_967_295,
  'an.int32': -2_147_483_648,
  'a.float32': 0.5,
  'a.whole.float32': new GgufFloat32(10_000),
  'a.uint64': 2n ** 64n - 1n,
  'a.small.uint64': 2n ** 53n - 1n,
  'an.int64': -5n,
  'a.true': true,
  'a.false': false,
  strings: ['', 'a', 'ß'],
  'no.strings': [],
  booleans: [true, false],
  uint8s: Uint8Array.of(0, 255),
  int8s: Int8Array.of(-128, 127),
  uint16s: Uint16Array.of(65_535),
  int16s: Int16Array.of(-32_768),
  uint32s: Uint32Array.of(4_294_967_295),
  int32s: Int32Array.of(-2_147_483_648, 7),
  uint64s: BigUint64Array.of(2n ** 64n - 1n),
  int64s: BigInt64Array.of(-(2n ** 63n)),
  float32s: Float32Array.of(1.5, -0),
  float64s: Float64Array.of(Math.PI),
};

describe('GgufFile', () => {
  const file = writeAndOpen(folder, METADATA, [
    { name: 'floats', type: 'F32', shape: [3, 1], data: Float32Array.of(1, -2, 0.25) },
    { name: 'halves', type: 'F16', shape: [2], data: Float32Array.of(1, 65_504) },
    { name: 'blocks', type: 'Q4_1', shape: [32, 2], data: Uint8Array.from({ length: 40 }, (_, i) => i) },
  ]);
  afterAll(() => file.close());

  test('reads back every type of metadata as written', () => {
    const expected = Object.entries(METADATA).map(([key, value]) => [
      key,
      value instanceof GgufFloat32 ? value.value : value,
    ]);
    expect([...file.metadata]).toEqual(expected);
    expect(file.version).toBe(3);
  });

  test('places tensors at multiples of 32 and reads their bytes', () => {
    expect(file.dataOffset % 32).toBe(0);
    expect([...file.tensors.values()]).toEqual([
      { name: 'floats', type: 'F32', shape: [3, 1], offset: file.dataOffset, byteLength: 12 },
      { name: 'halves', type: 'F16', shape: [2], offset: file.dataOffset + 32, byteLength: 4 },
      { name: 'blocks', type: 'Q4_1', shape: [32, 2], offset: file.dataOffset + 64, byteLength: 40 },
    ]);
    const floats = file.readTensor(file.tensors.get('floats')!);
    expect([...new Float32Array(floats.buffer)]).toEqual([1, -2, 0.25]);
    expect([...file.readTensor(file.tensors.get('halves')!)]).toEqual([0x00, 0x3c, 0xff, 0x7b]);
    expect([...file.readTensor(file.tensors.get('blocks')!)]).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test('answers with the type that was asked for', () => {
    expect(file.getString('general.architecture')).toBe('llama');
    expect(file.getNumber('a.float32')).toBe(0.5);
    expect(file.getNumber('a.small.uint64')).toBe(Number.MAX_SAFE_INTEGER);
    expect(file.findBoolean('a.false')).toBe(false);
    expect(file.getStrings('strings')).toEqual(['', 'a', 'ß']);
    expect(file.getStrings('no.strings')).toEqual([]);
    expect(file.findNumbers('int32s')).toEqual(METADATA.int32s);
  });

  test.each([
    ['a number as string', () => file.findString('a.uint32')],
    ['a string as number', () => file.getNumber('a.string')],
    ['an unsafe integer as number', () => file.getNumber('a.uint64')],
    ['an array as number', () => file.findNumber('int32s')],
    ['a number as boolean', () => file.findBoolean('a.uint32')],
    ['numbers as strings', () => file.getStrings('int32s')],
    ['booleans as strings', () => file.findStrings('booleans')],
    ['strings as numbers', () => file.findNumbers('strings')],
    ['64-bit integers as numbers', () => file.findNumbers('int64s')],
  ])('refuses %s', (_, read) => {
    expect(read).toThrow(expect.objectContaining({ code: ModelFileErrorCode.BAD_METADATA }));
  });

  test('tells absence apart from need', () => {
    expect(file.findString('x')).toBeUndefined();
    expect(file.findNumber('x')).toBeUndefined();
    expect(file.findBoolean('x')).toBeUndefined();
    expect(file.findStrings('x')).toBeUndefined();
    expect(file.findNumbers('x')).toBeUndefined();
    for (const read of [() => file.getString('x'), () => file.getNumber('x'), () => file.getStrings('x')]) {
      expect(read).toThrow(
        expect.objectContaining({ code: 'missing_metadata', message: expect.stringContaining('x') }),
      );
    }
  });

  test('reads values longer and shorter than its window, in turn', () => {
    const long = (letter: string, length: number) => letter.repeat(length);
    const metadata = {
      first: long('a', 400_000),
      numbers: Int32Array.from({ length: 150_000 }, (_, i) => i),
      strings: Array.from({ length: 60_000 }, (_, i) => `token ${i}`),
      second: long('b', 300_000),
      third: 'c',
    };
    const large = writeAndOpen(folder, metadata, []);
    large.close();
    expect(Object.fromEntries(large.metadata)).toEqual(metadata);
  });

  test('a closed file keeps its header but reads no tensor', () => {
    const closed = writeAndOpen(folder, METADATA, [{ name: 'x', type: 'I8', shape: [1], data: Uint8Array.of(7) }]);
    closed.close();
    closed.close();
    expect(closed.getString('general.architecture')).toBe('llama');
    expect(() => closed.readTensor(closed.tensors.get('x')!)).toThrow(expect.objectContaining({ code: 'unreadable' }));
  });

  test('a file that shrinks while open is reported as truncated', () => {
    const path = join(folder, 'model.gguf');
    const shrinking = writeAndOpen(folder, {}, [{ name: 'x', type: 'I8', shape: [64], data: new Uint8Array(64) }]);
    writeFileSync(path, '');
    expect(() => shrinking.readTensor(shrinking.tensors.get('x')!)).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
    shrinking.close();
  });
});

describe('openGguf', () => {
  test.each([
    ['a missing file', 'missing.gguf'],
    ['a folder', '.'],
  ])('names %s', (_, name) => {
    expect(() => openGguf(join(folder, name))).toThrow(
      expect.objectContaining({ code: 'unreadable', message: expect.stringContaining(join(folder, name)) }),
    );
  });
});
