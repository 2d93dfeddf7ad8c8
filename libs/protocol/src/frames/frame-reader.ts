import { readHexBytes, u32ToHex } from '../ids.js';
import { FinishReason } from '../messages/codes.js';
import { ProtocolError } from '../protocol-error.js';

/** Little-endian cursor over one frame. Every read is checked against the end; past it, ProtocolError names the field. */
export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(
    bytes: Uint8Array,
    /** The frame's type, first part of the path in errors. */
    readonly name: string,
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  path(field: string): string {
    return `${this.name}.${field} (byte ${this.#offset})`;
  }

  #take(byteCount: number, field: string): number {
    const at = this.#offset;
    if (byteCount > this.#bytes.byteLength - at) {
      throw new ProtocolError(
        this.path(field),
        `needs ${byteCount} bytes, the frame has ${this.#bytes.byteLength - at} left`,
      );
    }
    this.#offset = at + byteCount;
    return at;
  }

  u8(field: string): number {
    return this.#bytes[this.#take(1, field)]!;
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#take(2, field), true);
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#take(4, field), true);
  }

  f32(field: string): number {
    return this.#view.getFloat32(this.#take(4, field), true);
  }

  /** A u64 as 16 hex characters. */
  u64(field: string): string {
    const at = this.#take(8, field);
    return u32ToHex(this.#view.getUint32(at + 4, true)) + u32ToHex(this.#view.getUint32(at, true));
  }

  /** Bytes as hex, in their order. */
  hex(byteCount: number, field: string): string {
    return readHexBytes(this.#bytes, this.#take(byteCount, field), byteCount);
  }

  u32Array(length: number, field: string): number[] {
    const at = this.#take(4 * length, field);
    const values = new Array<number>(length);
    for (let i = 0; i < length; i++) values[i] = this.#view.getUint32(at + 4 * i, true);
    return values;
  }

  /** A view, not a copy: it lives as long as the frame's buffer does. */
  view(byteCount: number, field: string): Uint8Array {
    const at = this.#take(byteCount, field);
    return this.#bytes.subarray(at, at + byteCount);
  }

  finish(field: string): FinishReason {
    const value = this.u8(field);
    if (value > FinishReason.error) throw new ProtocolError(this.path(field), `unknown finish reason ${value}`);
    return value as FinishReason;
  }

  skip(byteCount: number, field: string): void {
    this.#take(byteCount, field);
  }

  /** To the next multiple of four from the start of the frame. */
  align(field: string): void {
    this.#take(-this.#offset & 3, field);
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.byteLength;
  }

  /** Throws when something follows the last entry. */
  end(): void {
    const left = this.#bytes.byteLength - this.#offset;
    if (left > 0) throw new ProtocolError(this.path('end'), `${left} bytes follow the last entry`);
  }
}
