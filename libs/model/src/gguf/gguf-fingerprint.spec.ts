import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGguf } from './gguf-file.js';
import { fingerprintOfGguf } from './gguf-fingerprint.js';
import { writeGguf } from './gguf-writer.js';
import { temporaryFolder } from './temporary-gguf.fixture.js';

const folder = temporaryFolder();
const METADATA = { 'general.name': 'Tiny' };

function fingerprint(path: string): string {
  const file = openGguf(path);
  try {
    return fingerprintOfGguf(file);
  } finally {
    file.close();
  }
}

describe('fingerprintOfGguf', () => {
  const path = join(folder, 'model.gguf');
  const tensors = ['a', 'b'].map((name) => ({ name, type: 'I8', shape: [4_096], data: new Uint8Array(4_096) }));

  function fingerprintWith(change: (bytes: Buffer, dataOffset: number) => void): string {
    writeGguf(path, METADATA, tensors);
    const file = openGguf(path);
    file.close();
    const bytes = readFileSync(path);
    change(bytes, file.dataOffset);
    writeFileSync(path, bytes);
    return fingerprint(path);
  }

  const original = fingerprintWith(() => {});

  test('is 16 hex digits, the same for a copy', () => {
    expect(original).toMatch(/^[0-9a-f]{16}$/);
    fingerprintWith(() => {});
    copyFileSync(path, join(folder, 'copy.gguf'));
    expect(fingerprint(join(folder, 'copy.gguf'))).toBe(original);
  });

  test.each([
    ['the header', (bytes: Buffer) => bytes.write('Tina', bytes.indexOf('Tiny'))],
    ['the start of a tensor', (bytes: Buffer, at: number) => (bytes[at] = 1)],
    ['the middle of a tensor', (bytes: Buffer, at: number) => (bytes[at + 2_048] = 1)],
    ['the end of a tensor', (bytes: Buffer, at: number) => (bytes[at + 4_095] = 1)],
    ['the end of the last tensor', (bytes: Buffer, at: number) => (bytes[at + 8_191] = 1)],
  ])('sees a change in %s', (_, change) => {
    expect(fingerprintWith(change)).not.toBe(original);
  });

  test('sees more bytes at the end', () => {
    fingerprintWith(() => {});
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(32)]));
    expect(fingerprint(path)).not.toBe(original);
  });
});
