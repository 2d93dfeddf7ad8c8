import type { DataFile } from '../data-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';

const WINDOW_BYTES = 256 * 1024;

/**
 * Reads a file of little-endian values front to back through a window, so that nothing is allocated for a length that the
 * file does not have.
 */
export class FileCursor {
  #window: Buffer = Buffer.alloc(0);
  /** Offset of the window in the file. */
  #windowStart = 0;
  #position = 0;

  constructor(private readonly file: DataFile) {}

  get path(): string {
    return this.file.path;
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  /** Bytes from the start of the file. */
  get position(): number {
    return this.#position;
  }

  /** A view of the next bytes; it lasts until the next call. @throws ModelFileError (truncated) */
  take(byteLength: number, what: string): Buffer {
    const start = this.#position;
    if (byteLength > this.sizeBytes - start) throw this.#truncated(what);
    let from = start - this.#windowStart;
    if (from + byteLength > this.#window.length) {
      const size = Math.min(Math.max(byteLength, WINDOW_BYTES), this.sizeBytes - start);
      if (size !== this.#window.length) this.#window = Buffer.allocUnsafeSlow(size);
      this.file.fill(this.#window, start);
      this.#windowStart = start;
      from = 0;
    }
    this.#position = start + byteLength;
    return this.#window.subarray(from, from + byteLength);
  }

  uint32(what: string): number {
    return this.take(4, what).readUInt32LE();
  }

  /** Above 2^53 only nearly exact, which is enough to refuse it. */
  uint64(what: string): number {
    const bytes = this.take(8, what);
    return bytes.readUInt32LE(4) * 2 ** 32 + bytes.readUInt32LE(0);
  }

  /** A u64 number of things that take at least `minBytes` each. @throws ModelFileError (truncated) if the file is too short */
  count(minBytes: number, what: string): number {
    const count = this.uint64(what);
    if (count * minBytes > this.sizeBytes - this.#position) throw this.#truncated(`${count} ${what}`);
    return count;
  }

  string(what: string): string {
    return this.take(this.count(1, what), what).toString();
  }

  #truncated(what: string): ModelFileError {
    const message = `${this.path}: the file has ${this.sizeBytes} bytes and ends inside ${what} at byte ${this.#position}`;
    return new ModelFileError(ModelFileErrorCode.TRUNCATED, `${message}; download it again`);
  }
}
