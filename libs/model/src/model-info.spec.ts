import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGguf } from './gguf/gguf-file.js';
import { writeGguf } from './gguf/gguf-writer.js';
import { temporaryFolder, writeAndOpen } from './gguf/temporary-gguf.fixture.js';
import { fingerprint, modelInfo } from './model-info.js';

const folder = temporaryFolder();
const METADATA = {
  'general.architecture': 'llama',
  'general.name': 'Tiny',
  'llama.context_length': 64,
  'tokenizer.ggml.tokens': ['a', '<|im_end|>', '</s>'],
  'tokenizer.ggml.eos_token_id': 2,
};

describe('modelInfo', () => {
  test('says what the file says', () => {
    const file = writeAndOpen(folder, METADATA);
    file.close();
    expect(modelInfo(file)).toEqual({ name: 'Tiny', architecture: 'llama', contextLength: 64, eosTokenIds: [2, 1] });
  });

  test('a model without name is called as its file', () => {
    const { 'general.name': _, ...metadata } = METADATA;
    const file = writeAndOpen(folder, metadata);
    file.close();
    expect(modelInfo(file).name).toBe('model');
  });
});

describe('fingerprint', () => {
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

  test('is 16 hex digits, the same for a copy and for an open file', () => {
    expect(original).toMatch(/^[0-9a-f]{16}$/);
    fingerprintWith(() => {});
    copyFileSync(path, join(folder, 'copy.gguf'));
    expect(fingerprint(join(folder, 'copy.gguf'))).toBe(original);
    const file = openGguf(path);
    expect(fingerprint(file)).toBe(original);
    file.close();
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
