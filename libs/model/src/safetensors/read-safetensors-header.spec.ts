import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataFile } from '../data-file.js';
import { temporaryFolder } from '../gguf/temporary-gguf.fixture.js';
import { ModelFileErrorCode } from '../model-file-error.js';
import { readSafetensorsHeader, type SafetensorsHeader } from './read-safetensors-header.js';
import { writeSafetensors } from './write-safetensors.js';

const folder = temporaryFolder();
const path = join(folder, 'a.safetensors');

function read(): SafetensorsHeader {
  const file = DataFile.open(path);
  try {
    return readSafetensorsHeader(file);
  } finally {
    file.close();
  }
}

/** Writes a file of any header; `headerLength` is what the file says about it. */
function write(header: unknown, dataBytes: number, headerLength?: number): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerLength ?? json.length));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
}

const F32 = (shape: unknown, begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('readSafetensorsHeader', () => {
  test('reads what was written: F32, F16 and BF16, in the order of their bytes', () => {
    writeSafetensors(path, [
      { name: 'b', type: 'F32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      { name: 'a', type: 'F16', shape: [2], data: Float32Array.of(1, 2) },
      { name: 'c', type: 'BF16', shape: [1], data: Uint8Array.of(0x80, 0x3f) },
    ]);
    const { tensors, dataOffset } = read();
    expect(dataOffset % 8).toBe(0);
    expect(tensors).toEqual([
      { name: 'b', type: 'F32', shape: [3, 2], byteLength: 24, offset: dataOffset },
      { name: 'a', type: 'F16', shape: [2], byteLength: 4, offset: dataOffset + 24 },
      { name: 'c', type: 'BF16', shape: [1], byteLength: 2, offset: dataOffset + 28 },
    ]);
  });

  test('shapes of the file are turned around', () => {
    write({ a: F32([2, 3, 4], 0, 96) }, 96);
    expect(read().tensors[0]?.shape).toEqual([4, 3, 2]);
  });

  test('metadata is no tensor, and a file may have none', () => {
    write({ __metadata__: { format: 'pt' } }, 0);
    expect(read().tensors).toEqual([]);
  });

  test.each([
    ['an empty file', '', 0, 0, ModelFileErrorCode.TRUNCATED, /has 8 bytes only/],
    ['a file of another kind', 'GGUF....', 90, 8, ModelFileErrorCode.BAD_MAGIC, /no safetensors file/],
    ['a header beyond all measure', '{}', 90, 2 ** 24 + 1, ModelFileErrorCode.BAD_MAGIC, /no safetensors file/],
    ['the longest header, but cut', '{}', 90, 2 ** 24, ModelFileErrorCode.TRUNCATED, /header of 16777216/],
    ['a header that the file does not have', '{}', 6, 9, ModelFileErrorCode.TRUNCATED, /16 bytes .* header of 9/],
    ['a header that is no JSON', '{"a": nothing}', 0, 14, ModelFileErrorCode.NOT_JSON, /the header is no JSON/],
  ])('%s is refused', (_, header, dataBytes, headerLength, code, message) => {
    write(header, dataBytes, headerLength);
    expect(read).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    expect(read).toThrow(path);
  });

  const { BAD_TENSOR, BAD_METADATA, MISSING_METADATA, TRUNCATED, UNKNOWN_TENSOR_TYPE } = ModelFileErrorCode;

  test.each([
    [
      'a type that is not served',
      { w: { ...F32([1], 0, 1), dtype: 'F8_E4M3' } },
      1,
      UNKNOWN_TENSOR_TYPE,
      /w is of type F8/,
    ],
    ['integers', { w: { ...F32([1], 0, 8), dtype: 'I64' } }, 8, UNKNOWN_TENSOR_TYPE, /w is of type I64/],
    ['an entry that is no object', { w: [1] }, 0, BAD_METADATA, /w is \[1\], expected an object/],
    ['an entry without type', { w: { shape: [1], data_offsets: [0, 4] } }, 4, MISSING_METADATA, /w: dtype is missing/],
    ['a negative size', { w: F32([-1], 0, 4) }, 4, BAD_METADATA, /shape is \[-1\]/],
    ['a size above 2^53', { w: F32([2 ** 54], 0, 4) }, 4, BAD_METADATA, /shape is \[1801/],
    [
      'a shape of more bytes than its place',
      { w: F32([2], 0, 4) },
      4,
      BAD_TENSOR,
      /takes 8 bytes, not those of \[0,4\]/,
    ],
    ['an end before the begin', { w: F32([1], 4, 0) }, 4, BAD_TENSOR, /not those of \[4,0\]/],
    ['a place of three numbers', { w: { ...F32([1], 0, 4), data_offsets: [0, 4, 8] } }, 4, BAD_TENSOR, /\[0,4,8\]/],
    ['tensors that overlap', { a: F32([2], 0, 8), b: F32([1], 4, 8) }, 8, BAD_TENSOR, /b at byte \d+ overlaps/],
    ['tensors at one place', { a: F32([1], 0, 4), b: F32([1], 0, 4) }, 4, BAD_TENSOR, /b at byte \d+ overlaps/],
    ['a gap between tensors', { a: F32([1], 0, 4), b: F32([1], 8, 12) }, 12, BAD_TENSOR, /b .* leaves 4 bytes/],
    ['a tensor beyond the end', { a: F32([1], 0, 4), b: F32([1], 4, 8) }, 7, TRUNCATED, /tensor b takes bytes/],
    ['bytes that nobody owns', { a: F32([1], 0, 4) }, 5, BAD_TENSOR, /the last 1 bytes/],
  ])('%s: refused by name', (_, header, dataBytes, code, message) => {
    write(header, dataBytes);
    expect(read).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    expect(read).toThrow(path);
  });
});

describe('writeSafetensors', () => {
  test.each([
    ['a type that the format has not', { type: 'Q4_1', shape: [32], data: new Uint8Array(20) }, /not Q4_1/],
    ['floats as BF16', { type: 'BF16', shape: [1], data: Float32Array.of(1) }, /written as F32 or F16/],
    ['data of another size', { type: 'F32', shape: [2], data: Float32Array.of(1) }, /takes 8 bytes, not 4/],
  ])('%s is refused', (_, tensor, message) => {
    expect(() => writeSafetensors(path, [{ name: 'w', ...tensor }])).toThrow(message);
  });
});
