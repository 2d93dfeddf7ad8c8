import type { WorkerId } from '../ids.js';
import { checkHexLength, hexToU32, u32ToHex, WORKER_ID_CHARS } from '../ids.js';
import { ProtocolError } from '../protocol-error.js';
import type { FrameReader } from './frame-reader.js';

/**
 * ```
 *  0        2    3    4         8         12      14      16
 *  ├ magic ─┼ver─┼type┼ sender ─┼─ seq ───┼ count ┼ flags ┤   little endian
 * ```
 */
export const FRAME_HEADER_BYTES = 16;
/** Reads "SW" on the wire. */
export const FRAME_MAGIC = 0x5753;
export const FRAME_VERSION = 1;

export const FrameType = { tokens: 1, text: 2, kv: 3, credit: 4 } as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface FrameHeader {
  readonly sender: WorkerId;
  /** Tokens and text: of the stream sender to receiver. KV and credits: of the transfer. From 0, wrapping at 2^32. */
  readonly seq: number;
  /** Entries that follow. */
  readonly count: number;
}

/** Flags are 0 in this version, and not looked at by readers. */
export function writeFrameHeader(view: DataView, type: FrameType, sender: WorkerId, seq: number, count: number): void {
  checkHexLength(sender, WORKER_ID_CHARS, 'sender');
  view.setUint16(0, FRAME_MAGIC, true);
  view.setUint8(2, FRAME_VERSION);
  view.setUint8(3, type);
  view.setUint32(4, hexToU32(sender, 0, 'sender'), true);
  view.setUint32(8, seq, true);
  view.setUint16(12, count, true);
  view.setUint16(14, 0, true);
}

/** Throws ProtocolError unless it is a frame of this version and `type`. */
export function readFrameHeader(reader: FrameReader, type: FrameType): FrameHeader {
  const magic = reader.u16('magic');
  if (magic !== FRAME_MAGIC) throw new ProtocolError(reader.path('magic'), `expected ${FRAME_MAGIC}, got ${magic}`);
  const version = reader.u8('version');
  if (version !== FRAME_VERSION) {
    throw new ProtocolError(
      reader.path('version'),
      `this build reads version ${FRAME_VERSION}, got ${version}: run one release on all services`,
    );
  }
  const found = reader.u8('type');
  if (found !== type) throw new ProtocolError(reader.path('type'), `expected ${type}, got ${found}`);
  const sender = u32ToHex(reader.u32('sender'));
  const seq = reader.u32('seq');
  const count = reader.u16('count');
  reader.skip(2, 'flags');
  return { sender, seq, count };
}
