import type { FinishReason } from '../messages/codes.js';
import { ProtocolError } from '../protocol-error.js';
import { FRAME_HEADER_BYTES, FrameType } from './frame-header.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { readSingleHeader } from './single-entry.js';
import type { TransferHead } from './transfer-head.js';

/** The token that prefill sampled for one choice, and whether it already ends it. */
export interface FirstToken {
  readonly token: number;
  readonly finish: FinishReason;
}

/**
 * All of a KV frame but its payload.
 *
 * ```
 *  0      16       17        18      19                20     28          30        32          36        40      44             48
 *  ├ rid ─┼ choice ┼ attempt ┼ flags ┼ firstTokenCount ┼ room ┼ layerFrom ┼ layerTo ┼ tokenFrom ┼ tokenTo ┼ crc32 ┼ payloadBytes ┤
 *  then firstTokenCount × (u32 token, u8 finish, 3 pad), then the payload
 * ```
 */
export interface KvFrameHead extends TransferHead {
  /** Nothing follows in this transfer; carries `firstTokens`. */
  readonly last: boolean;
  /** Half-open. */
  readonly layerFrom: number;
  readonly layerTo: number;
  /** Half-open; multiples of the page size but for the prompt's end. */
  readonly tokenFrom: number;
  readonly tokenTo: number;
  /** Of the payload. The caller computes it when it sends and compares it when it receives. */
  readonly crc32: number;
  /** One per choice of the leg, in order; at most 255. */
  readonly firstTokens: readonly FirstToken[];
}

/** prefill to decode. */
export interface KvFrame extends KvFrameHead {
  /** For each layer, for each page: the layer's block of that page, in the engine's layout. */
  readonly payload: Uint8Array;
}

const FLAG_LAST = 1;
const ENTRY_BYTES = 48;
const FIRST_TOKEN_BYTES = 8;

/** Size of a frame: what has to stay below the broker's `max_payload`. */
export function kvFrameBytes(firstTokenCount: number, payloadBytes: number): number {
  return FRAME_HEADER_BYTES + ENTRY_BYTES + firstTokenCount * FIRST_TOKEN_BYTES + payloadBytes;
}

/** Joins the payload from its parts (views of pages, say) with one copy. Throws ProtocolError when a field does not fit. */
export function encodeKvFrame(head: KvFrameHead, payload: readonly Uint8Array[]): Uint8Array {
  let payloadBytes = 0;
  for (let i = 0; i < payload.length; i++) payloadBytes += payload[i]!.byteLength;
  const writer = new FrameWriter(FrameType.kv, kvFrameBytes(head.firstTokens.length, payloadBytes));
  writer.begin();
  writer.hex(head.rid, 16, 'rid');
  writer.u8(head.choice, 'choice');
  writer.u8(head.attempt, 'attempt');
  writer.u8(head.last ? FLAG_LAST : 0, 'flags');
  writer.u8(head.firstTokens.length, 'firstTokens.length');
  writer.u64(head.room, 'room');
  writer.u16(head.layerFrom, 'layerFrom');
  writer.u16(head.layerTo, 'layerTo');
  writer.u32(head.tokenFrom, 'tokenFrom');
  writer.u32(head.tokenTo, 'tokenTo');
  writer.u32(head.crc32, 'crc32');
  writer.u32(payloadBytes, 'payloadBytes');
  for (let i = 0; i < head.firstTokens.length; i++) {
    const { token, finish } = head.firstTokens[i]!;
    writer.u32(token, 'firstTokens.token');
    writer.u8(finish, 'firstTokens.finish');
    writer.zeros(3);
  }
  for (let i = 0; i < payload.length; i++) writer.bytes(payload[i]!);
  writer.commit();
  return writer.take(head.sender, head.seq);
}

function checkRange(reader: FrameReader, field: string, from: number, to: number): void {
  if (from > to) throw new ProtocolError(reader.path(field), `range ${from} to ${to} runs backwards`);
}

/** Throws ProtocolError. The payload is a view of `bytes`; its checksum is not looked at here. */
export function decodeKvFrame(bytes: Uint8Array): KvFrame {
  const reader = new FrameReader(bytes, 'KvFrame');
  const { sender, seq } = readSingleHeader(reader, FrameType.kv);
  const rid = reader.hex(16, 'rid');
  const choice = reader.u8('choice');
  const attempt = reader.u8('attempt');
  const last = (reader.u8('flags') & FLAG_LAST) !== 0;
  const firstTokens = new Array<FirstToken>(reader.u8('firstTokenCount'));
  const room = reader.u64('room');
  const layerFrom = reader.u16('layerFrom');
  const layerTo = reader.u16('layerTo');
  checkRange(reader, 'layers', layerFrom, layerTo);
  const tokenFrom = reader.u32('tokenFrom');
  const tokenTo = reader.u32('tokenTo');
  checkRange(reader, 'tokens', tokenFrom, tokenTo);
  const crc32 = reader.u32('crc32');
  const payloadBytes = reader.u32('payloadBytes');
  for (let i = 0; i < firstTokens.length; i++) {
    const token = reader.u32('firstTokens.token');
    const finish = reader.finish('firstTokens.finish');
    reader.skip(3, 'firstTokens.pad');
    firstTokens[i] = { token, finish };
  }
  const payload = reader.view(payloadBytes, 'payload');
  reader.end();
  // prettier-ignore
  return {
    sender, seq, rid, choice, attempt, room, last,
    layerFrom, layerTo, tokenFrom, tokenTo, crc32, firstTokens, payload,
  };
}
