import type { Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Checksum, createChecksumHash, hashFile } from './checksum.js';

/** What the finished file must be; null where nobody knows. */
export interface ExpectedContent {
  readonly sizeBytes: number | null;
  readonly checksum: Checksum | null;
}

/**
 * The unfinished file `<path>.part`: bytes are appended and hashed as they come, and it takes its final name only by
 * `commit`, after everything has reached the disk.
 */
export class PartFile {
  readonly path: string;
  readonly #expected: ExpectedContent;
  #handle: FileHandle;
  #hash: Hash | null;
  #sizeBytes: number;

  private constructor(path: string, expected: ExpectedContent, handle: FileHandle, hash: Hash | null, size: number) {
    this.path = path;
    this.#expected = expected;
    this.#handle = handle;
    this.#hash = hash;
    this.#sizeBytes = size;
  }

  /** Opens the part file of `finalPath`. With `resume`, what an earlier run left is kept and hashed. */
  static async open(finalPath: string, expected: ExpectedContent, resume: boolean): Promise<PartFile> {
    const path = `${finalPath}.part`;
    // A new inode, not a truncated one: somebody may still have the old one open.
    if (!resume) await rm(path, { force: true });
    const handle = await open(path, 'a');
    const hash = newHash(expected);
    const { size } = await handle.stat();
    if (hash !== null) await hashFile(path, size, hash);
    return new PartFile(path, expected, handle, hash, size);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(chunk: Uint8Array): Promise<void> {
    // FileHandle.write may write less than it was given.
    for (let written = 0; written < chunk.byteLength;) {
      written += (await this.#handle.write(chunk, written)).bytesWritten;
    }
    this.#hash?.update(chunk);
    this.#sizeBytes += chunk.byteLength;
  }

  /** Forgets all bytes. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = newHash(this.#expected);
    this.#sizeBytes = 0;
  }

  /** The digest of all bytes so far, in hex; null when there is nothing to compare it with. */
  digest(): string | null {
    return this.#hash?.copy().digest('hex') ?? null;
  }

  /** Flushes, renames to `finalPath` and makes the rename durable. */
  async commit(finalPath: string): Promise<void> {
    await this.#handle.sync();
    await this.close();
    await rename(this.path, finalPath);
    const directory = await open(dirname(finalPath), 'r');
    await directory.sync().finally(() => directory.close());
  }

  async discard(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function newHash({ checksum, sizeBytes }: ExpectedContent): Hash | null {
  return checksum === null ? null : createChecksumHash(checksum, sizeBytes);
}
