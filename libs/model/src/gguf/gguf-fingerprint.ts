import { createHash } from 'node:crypto';
import { hashSamples } from '../tensor-samples.js';
import type { GgufFile } from './gguf-file.js';

const HEADER_CHUNK_BYTES = 1 << 20;

/**
 * The beginning of the SHA-256 of the file's size, its header (architecture, vocabulary, tensor names, types and places) and
 * of 256 bytes at the start, the middle and the end of every tensor: two models get different ids if any of these differ,
 * which training or another quantization brings about. It costs milliseconds; it is no protection against a file made to
 * collide.
 *
 * @returns 16 lowercase hex digits
 * @throws ModelFileError
 */
export function fingerprintOfGguf(file: GgufFile): string {
  const hash = createHash('sha256').update(`${file.sizeBytes}\n`);
  const headerBytes = Math.min(file.dataOffset, file.sizeBytes);
  for (let at = 0; at < headerBytes; at += HEADER_CHUNK_BYTES) {
    hash.update(file.readBytes(at, Math.min(HEADER_CHUNK_BYTES, headerBytes - at)));
  }
  for (const { offset, byteLength } of file.tensors.values()) hashSamples(hash, file, offset, byteLength);
  return hash.digest('hex').slice(0, 16);
}
