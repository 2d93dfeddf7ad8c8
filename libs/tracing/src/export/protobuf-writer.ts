const ASCII_END = 0x80;
const TWO_BYTES_END = 0x800;
const REPLACEMENT = 0xfffd;
const WORD = 2 ** 32;

/** Protocol buffers' wire format into a buffer that grows. What a method writes must have been reserved, unless it says that it does. */
export class ProtobufWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;

  constructor(capacity = 1 << 16) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Room for so many bytes more. */
  reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** @param value below 2^31 */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** An integer from -2^63 to below 2^63, up to 10 bytes. */
  int64(value: number): void {
    if (value >= 0 && value < 0x7fffffff) return this.varint(value);
    let high = Math.floor(value / WORD);
    let low = value - high * WORD;
    high >>>= 0;
    while (high > 0 || low > 0x7f) {
      this.bytes[this.length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.length++] = low;
  }

  fixed32(value: number): void {
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  fixed64(low: number, high: number): void {
    this.#view.setUint32(this.length, low, true);
    this.#view.setUint32(this.length + 4, high, true);
    this.length += 8;
  }

  double(value: number): void {
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Bytes as they are. */
  copy(source: Uint8Array, from: number, count: number): void {
    const { bytes } = this;
    const at = this.length;
    for (let i = 0; i < count; i++) bytes[at + i] = source[from + i]!;
    this.length = at + count;
  }

  /** Length and bytes; reserves. */
  block(source: Uint8Array): void {
    this.reserve(source.length + 5);
    this.varint(source.length);
    if (source.length > 64) {
      this.bytes.set(source, this.length);
      this.length += source.length;
    } else this.copy(source, 0, source.length);
  }

  /** Length and UTF-8 of UTF-16; a surrogate without its other half becomes U+FFFD; reserves. */
  utf16(source: Uint16Array, from: number, count: number): void {
    this.reserve(count * 3 + 5);
    const start = this.length;
    this.varint(count);
    const { bytes } = this;
    const at = this.length;
    for (let i = 0; i < count; i++) {
      const unit = source[from + i]!;
      if (unit >= ASCII_END) {
        this.length = start;
        return this.#beyondAscii(source, from, count);
      }
      bytes[at + i] = unit;
    }
    this.length = at + count;
  }

  /**
   * Begins a message whose length follows from what is written: `end` takes what this returns, and the same `lengthBytes`, which
   * are left for the length. When they do not fit the message moves.
   */
  begin(lengthBytes = 1): number {
    const begun = this.length;
    this.length += lengthBytes;
    return begun;
  }

  /** Reserves. */
  end(begun: number, lengthBytes = 1): void {
    const from = begun + lengthBytes;
    const size = this.length - from;
    const needed = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x200000 ? 3 : size < 0x10000000 ? 4 : 5;
    if (needed !== lengthBytes) {
      this.reserve(needed);
      this.bytes.copyWithin(begun + needed, from, this.length);
    }
    this.length = begun;
    this.varint(size);
    this.length += size;
  }

  /** A copy of what was written; the buffer begins anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  #beyondAscii(source: Uint16Array, from: number, count: number): void {
    const end = from + count;
    let size = 0;
    for (let i = from; i < end; i++) {
      const point = codePointAt(source, i, end);
      if (point >= 0x10000) i++;
      size += point < ASCII_END ? 1 : point < TWO_BYTES_END ? 2 : point < 0x10000 ? 3 : 4;
    }
    this.varint(size);
    const { bytes } = this;
    let at = this.length;
    for (let i = from; i < end; i++) {
      const point = codePointAt(source, i, end);
      if (point < ASCII_END) bytes[at++] = point;
      else {
        if (point < TWO_BYTES_END) bytes[at++] = 0xc0 | (point >> 6);
        else {
          if (point < 0x10000) bytes[at++] = 0xe0 | (point >> 12);
          else {
            i++;
            bytes[at++] = 0xf0 | (point >> 18);
            bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
          }
          bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
        }
        bytes[at++] = 0x80 | (point & 0x3f);
      }
    }
    this.length = at;
  }
}

function codePointAt(source: Uint16Array, at: number, end: number): number {
  const unit = source[at]!;
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const next = at + 1 < end ? source[at + 1]! : 0;
  if (unit > 0xdbff || next < 0xdc00 || next > 0xdfff) return REPLACEMENT;
  return 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
}
