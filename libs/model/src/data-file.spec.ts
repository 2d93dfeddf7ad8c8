import { constants } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataFile } from './data-file.js';
import { temporaryFolder } from './gguf/temporary-gguf.fixture.js';

const path = join(temporaryFolder(), 'model.gguf');
const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n';

describe('DataFile', () => {
  test('more bytes than Node.js can hold are an error of the file', () => {
    writeFileSync(path, 'x');
    const file = DataFile.open(path);
    expect(() => file.readBytes(0, constants.MAX_LENGTH + 1)).toThrow(
      expect.objectContaining({ name: 'ModelFileError', code: 'unreadable', message: expect.stringContaining(path) }),
    );
    file.close();
  });

  test('a Git LFS pointer says how to get the file', () => {
    writeFileSync(path, POINTER);
    expect(() => DataFile.open(path)).toThrow(
      expect.objectContaining({ code: 'missing_file', message: expect.stringContaining('run "git lfs pull"') }),
    );
  });

  test.each([
    ['shorter than a pointer', 'version'],
    ['longer than a pointer may be', POINTER.padEnd(1_024)],
  ])('a file %s is itself', (_, content) => {
    writeFileSync(path, content);
    const file = DataFile.open(path);
    expect(Buffer.from(file.readBytes(0, content.length)).toString()).toBe(content);
    file.close();
  });
});
