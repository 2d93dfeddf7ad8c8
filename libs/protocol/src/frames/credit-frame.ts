import { FRAME_HEADER_BYTES, FrameType } from './frame-header.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { readSingleHeader } from './single-entry.js';
import type { TransferHead } from './transfer-head.js';

/**
 * decode to prefill: what has arrived and what may be sent.
 *
 * ```
 *  0      16       17        18      19    20     28        32      36
 *  ├ rid ─┼ choice ┼ attempt ┼ flags ┼ pad ┼ room ┼ nextSeq ┼ limit ┤
 * ```
 */
export interface CreditFrame extends TransferHead {
  /** All KV frames below it have arrived. */
  readonly nextSeq: number;
  /** KV frames with `seq < limit` may be sent. */
  readonly limit: number;
  /** Go back and send again from `nextSeq`. */
  readonly resend: boolean;
  /** The KV is whole: prefill may free its pages. */
  readonly complete: boolean;
}

const FLAG_RESEND = 1;
const FLAG_COMPLETE = 2;
const CREDIT_FRAME_BYTES = FRAME_HEADER_BYTES + 36;

/** Throws ProtocolError when a field does not fit. */
export function encodeCreditFrame(frame: CreditFrame): Uint8Array {
  const writer = new FrameWriter(FrameType.credit, CREDIT_FRAME_BYTES);
  writer.begin();
  writer.hex(frame.rid, 16, 'rid');
  writer.u8(frame.choice, 'choice');
  writer.u8(frame.attempt, 'attempt');
  writer.u8((frame.resend ? FLAG_RESEND : 0) | (frame.complete ? FLAG_COMPLETE : 0), 'flags');
  writer.zeros(1);
  writer.u64(frame.room, 'room');
  writer.u32(frame.nextSeq, 'nextSeq');
  writer.u32(frame.limit, 'limit');
  writer.commit();
  return writer.take(frame.sender, frame.seq);
}

/** Throws ProtocolError. */
export function decodeCreditFrame(bytes: Uint8Array): CreditFrame {
  const reader = new FrameReader(bytes, 'CreditFrame');
  const { sender, seq } = readSingleHeader(reader, FrameType.credit);
  const rid = reader.hex(16, 'rid');
  const choice = reader.u8('choice');
  const attempt = reader.u8('attempt');
  const flags = reader.u8('flags');
  reader.skip(1, 'pad');
  const room = reader.u64('room');
  const nextSeq = reader.u32('nextSeq');
  const limit = reader.u32('limit');
  reader.end();
  const resend = (flags & FLAG_RESEND) !== 0;
  const complete = (flags & FLAG_COMPLETE) !== 0;
  return { sender, seq, rid, choice, attempt, room, nextSeq, limit, resend, complete };
}
