import { randomFillSync } from 'node:crypto';

/** A span id that is none. */
export const NO_ID = '0'.repeat(16);

const POOL = new Int32Array(2048);
let next = POOL.length;

/** 32 random bits, made ahead by the thousand: a call to the generator costs as much as a slice may. */
export function randomBits(): number {
  if (next === POOL.length) {
    randomFillSync(POOL);
    next = 0;
  }
  return POOL[next++]!;
}

// The first word of this thread's span ids, and the last second word: a random place to count from, which is never come by twice.
let high = randomBits() || 1;
const first = randomBits();
let low = first;

/** First word of a new span id. Random for each thread, as are trace ids: no other span of a trace has it with the same second word. */
export function spanIdHigh(): number {
  return high;
}

/** Its second word. To count takes a tenth of the time of random bits. */
export function spanIdLow(): number {
  low = (low + 1) | 0;
  if (low === first) high = randomBits() || 1;
  return low;
}

/** A new span id, as two words. */
export function newSpanId(): [number, number] {
  return [spanIdHigh(), spanIdLow()];
}

const BYTE_HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 8 hex characters of 32 bits whose lowest byte comes first, as ids lie in memory. */
export function bitsToHex(bits: number): string {
  return (
    BYTE_HEX[bits & 255]! + BYTE_HEX[(bits >>> 8) & 255]! + BYTE_HEX[(bits >>> 16) & 255]! + BYTE_HEX[bits >>> 24]!
  );
}

/** Of a hex digit, by its character code. */
export function nibble(code: number): number {
  return (code & 15) + (code >> 6) * 9;
}

/** The reverse of `bitsToHex`, of the 8 characters at `at`. Four times as fast as `parseInt` of a slice. */
export function hexToBits(hex: string, at: number): number {
  let bits = 0;
  for (let byte = 0; byte < 4; byte++) {
    const high = nibble(hex.charCodeAt(at + byte * 2));
    bits |= ((high << 4) | nibble(hex.charCodeAt(at + byte * 2 + 1))) << (byte * 8);
  }
  return bits;
}

/** All words of an id, or of several, as `hexToBits` has them. */
export function hexToWords(hex: string): number[] {
  const words: number[] = [];
  for (let at = 0; at < hex.length; at += 8) words.push(hexToBits(hex, at));
  return words;
}

/** 16 hex characters of the two words at `at`. */
export function spanIdToHex(ids: ArrayLike<number>, at: number): string {
  return bitsToHex(ids[at]!) + bitsToHex(ids[at + 1]!);
}

/** Where a span is: for links, logs and exemplars. */
export class SpanRef {
  /** Trace id (4 words) and span id (2), as they are exported. */
  readonly ids: readonly number[];

  constructor(ids: ArrayLike<number>) {
    // `from` takes a microsecond.
    this.ids = [ids[0]!, ids[1]!, ids[2]!, ids[3]!, ids[4]!, ids[5]!];
  }

  /** 32 hex characters. */
  get traceId(): string {
    const [a, b, c, d] = this.ids;
    return bitsToHex(a!) + bitsToHex(b!) + bitsToHex(c!) + bitsToHex(d!);
  }

  /** 16 hex characters. */
  get spanId(): string {
    return bitsToHex(this.ids[4]!) + bitsToHex(this.ids[5]!);
  }
}

/**
 * The span ids of the two slices of a KV transfer. They follow from its bootstrap room, which both ends know, so that each
 * links to the other without a byte on the wire.
 *
 * @param room 16 hex characters
 */
export function kvSpanIds(room: string): { readonly prefill: string; readonly decode: string } {
  const low = hexToBits(room, 8);
  return {
    prefill: room.slice(0, 8) + bitsToHex(low ^ 0x5bd1e995),
    decode: room.slice(0, 8) + bitsToHex(low ^ 0x1b873593),
  };
}
