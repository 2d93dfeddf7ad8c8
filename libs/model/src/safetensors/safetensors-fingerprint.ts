import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readWholeFile } from '../json/read-json-file.js';
import { hashSamples } from '../tensor-samples.js';
import type { SafetensorsFiles } from './safetensors-files.js';

/** What, beside the weights, decides about text and tokens. */
const SIDE_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
];

/**
 * What `fingerprintOfGguf` is for a GGUF file: the beginning of the SHA-256 of the files beside the weights, of each weight
 * file's size and header, and of samples of every tensor.
 *
 * @returns 16 lowercase hex digits
 * @throws ModelFileError
 */
export function fingerprintOfFolder(folder: string, { files, tensors }: SafetensorsFiles): string {
  const hash = createHash('sha256');
  for (const name of SIDE_FILES) hashSideFile(hash, folder, name);
  for (const { file, dataOffset } of files) {
    hash.update(`${file.sizeBytes}\n`).update(file.readBytes(0, dataOffset));
  }
  for (const { file, offset, byteLength } of tensors.values()) hashSamples(hash, file, offset, byteLength);
  return hash.digest('hex').slice(0, 16);
}

/** An absent file is not an empty one: an empty template renders nothing. */
function hashSideFile(hash: Hash, folder: string, name: string): void {
  const path = join(folder, name);
  const bytes = existsSync(path) ? readWholeFile(path) : null;
  hash.update(`${name} ${bytes?.length ?? 'absent'}\n`).update(bytes ?? '');
}
