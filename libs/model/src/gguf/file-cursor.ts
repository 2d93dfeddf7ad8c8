import { readSync } from 'node:fs';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';

const WINDOW_BYTES = 256 * 1024;
/** The most that one read call is asked for; the system's own limit is 2 GiB. */
const READ_BYTES = 1 << 30;

/**
 * Reads a file of little-endian values front to back through a window, so that nothing is allocated for a length that the
 * file does not have.
 */
export class FileCursor {
  #window: Buffer = Buffer.alloc(0);
  /** Offset of the window in the file. */
  #windowStart = 0;
  #position = 0;

  constructor(
    readonly path: string,
    private readonly fd: number,
    readonly sizeBytes: number,
  ) {}

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
      readFully(this.fd, this.#window, start, this.path);
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

/** Fills `target` from `offset` in the file. @throws ModelFileError (truncated, unreadable) */
export function readFully(fd: number, target: Uint8Array, offset: number, path: string): void {
  for (let done = 0; done < target.length;) {
    const wanted = Math.min(target.length - done, READ_BYTES);
    const read = tryRead(fd, target, done, wanted, offset + done, path);
    if (read === 0) {
      const message = `${path}: the file ends at byte ${offset + done}; it was cut while open`;
      throw new ModelFileError(ModelFileErrorCode.TRUNCATED, message);
    }
    done += read;
  }
}

function tryRead(fd: number, target: Uint8Array, at: number, length: number, offset: number, path: string): number {
  try {
    return readSync(fd, target, at, length, offset);
  } catch (cause) {
    const message = `${path}: cannot read ${length} bytes at ${offset}: ${(cause as Error).message}`;
    throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message, { cause });
  }
}
