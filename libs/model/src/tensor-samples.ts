import type { Hash } from 'node:crypto';

const SAMPLE_BYTES = 256;

interface Readable {
  readBytes(offset: number, byteLength: number): Uint8Array;
}

/** Adds 256 bytes at the start, the middle and the end of a tensor to a hash. */
export function hashSamples(hash: Hash, file: Readable, offset: number, byteLength: number): void {
  const size = Math.min(SAMPLE_BYTES, byteLength);
  for (const at of [0, Math.floor((byteLength - size) / 2), byteLength - size]) {
    hash.update(file.readBytes(offset + at, size));
  }
}
