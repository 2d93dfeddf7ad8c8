import { constants } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ModelFileError, ModelFileErrorCode } from './model-file-error.js';

/** The most that one read call is asked for; the system's own limit is 2 GiB. */
const READ_BYTES = 1 << 30;

/** How the small file begins that Git LFS leaves in the place of one that it has not fetched. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';
/** A pointer is smaller: Git LFS's specification. */
const LFS_POINTER_BYTES = 1_024;

/** A file that is open for reading at any place. All methods throw ModelFileError. */
export class DataFile {
  readonly path: string;
  readonly sizeBytes: number;
  #fd: number | null;

  private constructor(path: string, fd: number, sizeBytes: number) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#fd = fd;
  }

  /** The caller closes it. */
  static open(path: string): DataFile {
    const file = DataFile.#open(path);
    if (!file.#isLfsPointer()) return file;
    file.close();
    const message = `${path} is a Git LFS pointer, not the file itself; run "git lfs pull" in its folder`;
    throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, message);
  }

  static #open(path: string): DataFile {
    let fd: number | undefined;
    try {
      fd = openSync(path, 'r');
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw new Error('it is no regular file');
      return new DataFile(path, fd, stats.size);
    } catch (cause) {
      if (fd !== undefined) closeSync(fd);
      const message = `cannot open the model ${path}: ${(cause as Error).message}`;
      throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message, { cause });
    }
  }

  /** Bytes in a buffer of their own, from offset 0 of it. */
  readBytes(offset: number, byteLength: number): Uint8Array {
    const bytes = this.#allocate(byteLength);
    this.fill(bytes, offset);
    return bytes;
  }

  /** Fills `target` from `offset` in the file. */
  fill(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.length;) {
      const read = this.#read(target, done, Math.min(target.length - done, READ_BYTES), offset + done);
      if (read === 0) {
        const message = `${this.path}: the file ends at byte ${offset + done}; it was cut while open`;
        throw new ModelFileError(ModelFileErrorCode.TRUNCATED, message);
      }
      done += read;
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #isLfsPointer(): boolean {
    const { length } = LFS_POINTER;
    if (this.sizeBytes < length || this.sizeBytes >= LFS_POINTER_BYTES) return false;
    return Buffer.from(this.readBytes(0, length)).toString('latin1') === LFS_POINTER;
  }

  #allocate(byteLength: number): Uint8Array {
    try {
      return new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer);
    } catch (cause) {
      const limit = `this Node.js holds at most ${constants.MAX_LENGTH} at once, from version 22 on more`;
      const message = `${this.path}: cannot hold ${byteLength} bytes (${(cause as Error).message}); ${limit}`;
      throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message, { cause });
    }
  }

  #read(target: Uint8Array, at: number, length: number, offset: number): number {
    if (this.#fd === null) throw new ModelFileError(ModelFileErrorCode.UNREADABLE, `${this.path}: already closed`);
    try {
      return readSync(this.#fd, target, at, length, offset);
    } catch (cause) {
      const message = `${this.path}: cannot read ${length} bytes at ${offset}: ${(cause as Error).message}`;
      throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message, { cause });
    }
  }
}
