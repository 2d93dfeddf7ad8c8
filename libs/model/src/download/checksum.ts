import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** `git-sha1` is the id of a git blob: sha1 over "blob <bytes>\0" and the content. Digests are lowercase hex. */
export interface Checksum {
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly digest: string;
}

/**
 * Reads a hub's ETag: 64 hex digits are the sha256 of an LFS file, 40 the git blob id of a small one.
 * Weak and quoted forms are accepted (as `_normalize_etag` of huggingface_hub does); anything else is no checksum.
 */
export function checksumFromEtag(etag: string | null): Checksum | null {
  const digest = (etag ?? '').replace(/^W\//, '').replaceAll('"', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digest)) return { algorithm: 'sha256', digest };
  if (/^[0-9a-f]{40}$/.test(digest)) return { algorithm: 'git-sha1', digest };
  return null;
}

/** A hash that will end in `checksum.digest` after exactly `sizeBytes` bytes of the right content. */
export function createChecksumHash(checksum: Checksum, sizeBytes: number | null): Hash {
  if (checksum.algorithm === 'sha256') return createHash('sha256');
  if (sizeBytes === null) throw new RangeError('a git blob id needs the size of the file beforehand');
  return createHash('sha1').update(`blob ${sizeBytes}\0`);
}

/** Feeds the first `byteCount` bytes of a file to a hash. */
export async function hashFile(path: string, byteCount: number, hash: Hash): Promise<void> {
  if (byteCount === 0) return;
  for await (const chunk of createReadStream(path, { end: byteCount - 1, highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
  }
}
