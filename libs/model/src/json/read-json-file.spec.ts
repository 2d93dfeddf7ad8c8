import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../gguf/temporary-gguf.fixture.js';
import { readJsonFile } from './read-json-file.js';

const path = join(temporaryFolder(), 'tokenizer.json');

test.each([
  ['64 MiB are read', 64 << 20, 'not_json'],
  ['one byte more is not', (64 << 20) + 1, 'unreadable'],
])('%s', (_, bytes, code) => {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  expect(() => readJsonFile(path)).toThrow(expect.objectContaining({ code }));
});
