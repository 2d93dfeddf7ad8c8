const MAX_CHARACTERS = 256;

/** 4 lowercase hex digits of 2 bytes, the lowest one first: a character in each byte, as they lie in memory. */
function digitsOf(bits: number): number {
  const bytes = (bits & 255) | ((bits & 0xff00) << 8);
  const nibbles = ((bytes >>> 4) & 0x000f000f) | ((bytes & 0x000f000f) << 8);
  // A letter is what carries beyond 15 with 6 added.
  const letters = ((nibbles + 0x06060606) >>> 4) & 0x01010101;
  return nibbles + 0x30303030 + letters * 0x27;
}

/** The reverse; of no use where `digits` are no such digits, which `digitsOf` of it tells. */
function bitsOf(digits: number): number {
  const nibbles = (digits & 0x0f0f0f0f) + ((digits >>> 6) & 0x01010101) * 9;
  const bytes = ((nibbles & 0x000f000f) << 4) | ((nibbles >>> 8) & 0x000f000f);
  return (bytes & 255) | ((bytes >>> 8) & 0xff00);
}

// All headers of every message go through these two: four digits at once take a third of the time of one by one.

/** Texts whose hex digits are read. `charCodeAt` of a part of a longer string, as headers are, takes six times as long. */
export class HexReader {
  readonly #bytes = new Uint8Array(MAX_CHARACTERS);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #encoder = new TextEncoder();

  /** What is read next. */
  load(text: string): void {
    this.#encoder.encodeInto(text, this.#bytes);
  }

  /** Its character at `at`, where those up to there are ASCII. */
  code(at: number): number {
    return this.#bytes[at]!;
  }

  /**
   * As `hexToBits`, of `8 * count` characters at `at` that may be anything, into `words[to]` and what follows.
   *
   * @returns false where one is no lowercase hex digit; then the words are of no use
   */
  words(at: number, words: Int32Array, to: number, count: number): boolean {
    const view = this.#view;
    let faults = 0;
    for (let word = 0; word < count; word++) {
      const first = view.getInt32(at + word * 8, true);
      const second = view.getInt32(at + word * 8 + 4, true);
      const low = bitsOf(first);
      const high = bitsOf(second);
      faults |= (digitsOf(low) ^ first) | (digitsOf(high) ^ second);
      words[to + word] = low | (high << 16);
    }
    return faults === 0;
  }
}

/** A header with ids in it, up to 256 ASCII characters. Half the time of joined strings, and whoever encodes it finds it flat. */
export class HeaderWriter {
  readonly #bytes = Buffer.alloc(MAX_CHARACTERS);
  readonly #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);

  /** @param template what stays of one header after another */
  constructor(template: string) {
    this.text(0, template);
  }

  text(at: number, ascii: string): void {
    for (let i = 0; i < ascii.length; i++) this.#bytes[at + i] = ascii.charCodeAt(i);
  }

  /** As `bitsToHex`, two words of an id. */
  id(at: number, first: number, second: number): void {
    const view = this.#view;
    view.setInt32(at, digitsOf(first), true);
    view.setInt32(at + 4, digitsOf(first >>> 16), true);
    view.setInt32(at + 8, digitsOf(second), true);
    view.setInt32(at + 12, digitsOf(second >>> 16), true);
  }

  take(length: number): string {
    return this.#bytes.toString('latin1', 0, length);
  }
}
