import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GgufFile, openGguf } from './gguf-file.js';
import { type GgufTensorSource, writeGguf } from './gguf-writer.js';
import type { GgufWritable } from './write-value.js';

/** A folder that is removed after the tests of the file that calls this. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-model-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a GGUF file into `folder` and opens it. */
export function writeAndOpen(
  folder: string,
  metadata: Readonly<Record<string, GgufWritable>>,
  tensors: readonly GgufTensorSource[] = [],
): GgufFile {
  const path = join(folder, 'model.gguf');
  writeGguf(path, metadata, tensors);
  return openGguf(path);
}
