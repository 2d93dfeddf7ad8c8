import { ProtocolError } from './protocol-error.js';

/** A worker's instance: 8 lowercase hex characters, a u32 on the wire. */
export type WorkerId = string;
/** A request: 32 lowercase hex characters, 16 bytes on the wire. */
export type RequestId = string;
/** A bootstrap room: 16 lowercase hex characters, a u64 on the wire. */
export type Room = string;

export const WORKER_ID_CHARS = 8;
export const REQUEST_ID_CHARS = 32;
export const ROOM_CHARS = 16;

const BYTE_TO_HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const NOT_HEX = 0xff;
const CHAR_TO_NIBBLE = new Uint8Array(128).fill(NOT_HEX);
for (let nibble = 0; nibble < 16; nibble++) CHAR_TO_NIBBLE[nibble.toString(16).charCodeAt(0)] = nibble;

function nibbleAt(hex: string, at: number, field: string): number {
  const char = hex.charCodeAt(at);
  const nibble = char < 128 ? CHAR_TO_NIBBLE[char]! : NOT_HEX;
  if (nibble === NOT_HEX) throw new ProtocolError(field, `expected lowercase hex, found another character at ${at}`);
  return nibble;
}

/** Throws ProtocolError unless `hex` has exactly `chars` characters. */
export function checkHexLength(hex: string, chars: number, field: string): void {
  if (hex.length !== chars) {
    throw new ProtocolError(field, `expected ${chars} lowercase hex characters, got ${hex.length}`);
  }
}

export function isHex(value: string, chars: number): boolean {
  if (value.length !== chars) return false;
  for (let i = 0; i < chars; i++) {
    const char = value.charCodeAt(i);
    if (char >= 128 || CHAR_TO_NIBBLE[char] === NOT_HEX) return false;
  }
  return true;
}

/** Eight hex characters from `at` as an unsigned number. */
export function hexToU32(hex: string, at: number, field: string): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) value = (value << 4) | nibbleAt(hex, i, field);
  return value >>> 0;
}

export function u32ToHex(value: number): string {
  return (
    BYTE_TO_HEX[value >>> 24]! +
    BYTE_TO_HEX[(value >>> 16) & 0xff]! +
    BYTE_TO_HEX[(value >>> 8) & 0xff]! +
    BYTE_TO_HEX[value & 0xff]!
  );
}

/** Writes `byteCount` bytes in the order of the string. */
export function writeHexBytes(target: Uint8Array, at: number, hex: string, byteCount: number, field: string): void {
  checkHexLength(hex, 2 * byteCount, field);
  for (let i = 0; i < byteCount; i++) {
    target[at + i] = (nibbleAt(hex, 2 * i, field) << 4) | nibbleAt(hex, 2 * i + 1, field);
  }
}

export function readHexBytes(source: Uint8Array, at: number, byteCount: number): string {
  let hex = '';
  for (let i = at; i < at + byteCount; i++) hex += BYTE_TO_HEX[source[i]!]!;
  return hex;
}
