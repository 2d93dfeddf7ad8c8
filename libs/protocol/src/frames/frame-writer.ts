import type { WorkerId } from '../ids.js';
import { checkHexLength, hexToU32, writeHexBytes } from '../ids.js';
import { ProtocolError } from '../protocol-error.js';
import type { FrameType } from './frame-header.js';
import { FRAME_HEADER_BYTES, writeFrameHeader } from './frame-header.js';

const INITIAL_BYTES = 4096;
const MAX_ENTRIES = 0xffff;
const UTF8 = new TextEncoder();

/**
 * Collects the entries of one frame in a buffer that grows and is used again, so that an entry costs no garbage:
 * `begin`, fields, `commit` for each entry; then `finish`.
 *
 * An entry that throws halfway leaves no trace: the next `begin` starts in its place.
 */
export class FrameWriter {
  readonly #type: FrameType;
  #bytes: Uint8Array;
  #view: DataView;
  #offset = FRAME_HEADER_BYTES;
  #committed = FRAME_HEADER_BYTES;
  #count = 0;

  constructor(type: FrameType, initialBytes: number = INITIAL_BYTES) {
    this.#type = type;
    this.#bytes = new Uint8Array(Math.max(initialBytes, FRAME_HEADER_BYTES));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Complete entries since the last frame. */
  get count(): number {
    return this.#count;
  }

  /** Size of the frame if it were finished now. */
  get byteLength(): number {
    return this.#committed;
  }

  /** Throws ProtocolError when the frame is full (65,535 entries). */
  begin(): void {
    if (this.#count === MAX_ENTRIES) throw new ProtocolError('count', `a frame holds at most ${MAX_ENTRIES} entries`);
    this.#offset = this.#committed;
  }

  commit(): void {
    this.#committed = this.#offset;
    this.#count++;
  }

  u8(value: number, field: string): void {
    const at = this.#take(1, value, 0xff, field);
    this.#bytes[at] = value;
  }

  /** A u64 from 16 hex characters. */
  u64(hex: string, field: string): void {
    checkHexLength(hex, 16, field);
    const high = hexToU32(hex, 0, field);
    this.u32(hexToU32(hex, 8, field), field);
    this.u32(high, field);
  }

  u16(value: number, field: string): void {
    const at = this.#take(2, value, 0xffff, field);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number, field: string): void {
    const at = this.#take(4, value, 0xffffffff, field);
    this.#view.setUint32(at, value, true);
  }

  /** Rounded to single precision. */
  f32(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#offset, value, true);
    this.#offset += 4;
  }

  hex(value: string, byteCount: number, field: string): void {
    this.#reserve(byteCount);
    writeHexBytes(this.#bytes, this.#offset, value, byteCount, field);
    this.#offset += byteCount;
  }

  u32Array(values: readonly number[], field: string): void {
    for (let i = 0; i < values.length; i++) this.u32(values[i]!, field);
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.byteLength);
    this.#bytes.set(source, this.#offset);
    this.#offset += source.byteLength;
  }

  /** @returns the bytes of it as UTF-8 */
  utf8(value: string): number {
    // A UTF-16 unit never needs more than three bytes.
    this.#reserve(3 * value.length);
    const { written } = UTF8.encodeInto(value, this.#bytes.subarray(this.#offset));
    this.#offset += written;
    return written;
  }

  /** Replaces what was written at `at`, a `position` of this entry. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  get position(): number {
    return this.#offset;
  }

  zeros(byteCount: number): void {
    this.#reserve(byteCount);
    this.#bytes.fill(0, this.#offset, this.#offset + byteCount);
    this.#offset += byteCount;
  }

  /** To the next multiple of four from the start of the frame. */
  align(): void {
    this.zeros(-this.#offset & 3);
  }

  /**
   * The frame in a buffer of its own, since the NATS client keeps what it is given until it flushes. The writer is empty
   * again, also when it throws ProtocolError.
   */
  finish(sender: WorkerId, seq: number): Uint8Array {
    const byteLength = this.#committed;
    const count = this.#count;
    this.#offset = this.#committed = FRAME_HEADER_BYTES;
    this.#count = 0;
    writeFrameHeader(this.#view, this.#type, sender, seq, count);
    return this.#bytes.slice(0, byteLength);
  }

  /** As `finish`, without the copy: the writer gives its buffer away and is not used again. */
  take(sender: WorkerId, seq: number): Uint8Array {
    writeFrameHeader(this.#view, this.#type, sender, seq, this.#count);
    return this.#bytes.subarray(0, this.#committed);
  }

  #take(byteCount: number, value: number, max: number, field: string): number {
    if (value >>> 0 !== value || value > max) {
      throw new ProtocolError(field, `expected an integer from 0 to ${max}, got ${value}`);
    }
    this.#reserve(byteCount);
    const at = this.#offset;
    this.#offset = at + byteCount;
    return at;
  }

  #reserve(byteCount: number): void {
    const needed = this.#offset + byteCount;
    if (needed <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.byteLength));
    grown.set(this.#bytes.subarray(0, this.#offset));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
