import type { RequestId } from '../ids.js';
import type { FinishReason } from '../messages/codes.js';
import { ProtocolError } from '../protocol-error.js';
import type { FrameHeader } from './frame-header.js';
import { FrameType, readFrameHeader } from './frame-header.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { readSections, sectionBit, writeSection } from './sections.js';
import type { TokenLogprobs } from './token-logprobs.js';
import { readTokenLogprobs, writeTokenLogprobs } from './token-logprobs.js';

/**
 * Tokens of one choice, as prefill or decode sampled them.
 *
 * ```
 *  0      16       17        18       19           20      24         25     28
 *  ├ rid ─┼ choice ┼ attempt ┼ finish ┼ tokenCount ┼ index ┼ sections ┼ pad ─┼ u32 token × tokenCount │ sections ┤
 * ```
 */
export interface TokenEntry {
  readonly rid: RequestId;
  readonly choice: number;
  readonly attempt: number;
  /** Other than `none`: these are the choice's last tokens. */
  readonly finish: FinishReason;
  /** Position of the first token in the completion. */
  readonly index: number;
  /** At most 255. */
  readonly tokens: readonly number[];
  /** One for each token, where the request asks for them. */
  readonly logprobs: readonly TokenLogprobs[] | null;
}

/** prefill and decode to tokenizer: all tokens of a step whose requests use that tokenizer. */
export interface TokenFrame extends FrameHeader {
  readonly entries: readonly TokenEntry[];
}

export const TokenSectionKind = {
  logprobs: 1,
} as const;

const ENTRY_BYTES = 28;

/** A writer for `writeTokenEntry`; one per tokenizer, kept between steps. */
export function tokenFrameWriter(initialBytes?: number): FrameWriter {
  return new FrameWriter(FrameType.tokens, initialBytes);
}

/** Throws ProtocolError when a field does not fit; the writer then holds what it held before. */
export function writeTokenEntry(writer: FrameWriter, entry: TokenEntry): void {
  const { logprobs } = entry;
  writer.begin();
  writer.hex(entry.rid, 16, 'rid');
  writer.u8(entry.choice, 'choice');
  writer.u8(entry.attempt, 'attempt');
  writer.u8(entry.finish, 'finish');
  writer.u8(entry.tokens.length, 'tokens.length');
  writer.u32(entry.index, 'index');
  writer.u8(logprobs ? sectionBit(TokenSectionKind.logprobs) : 0, 'sections');
  writer.zeros(3);
  writer.u32Array(entry.tokens, 'tokens');
  if (logprobs) {
    writeSection(writer, TokenSectionKind.logprobs, () => writeTokenLogprobs(writer, logprobs, entry.tokens.length));
  }
  writer.commit();
}

/** A whole frame at once. */
export function encodeTokenFrame(frame: Omit<TokenFrame, 'count'>, writer = tokenFrameWriter()): Uint8Array {
  for (let i = 0; i < frame.entries.length; i++) writeTokenEntry(writer, frame.entries[i]!);
  return writer.finish(frame.sender, frame.seq);
}

function logprobsOf(reader: FrameReader, mask: number, tokenCount: number): TokenLogprobs[] | null {
  for (const { kind, bytes } of readSections(reader, mask)) {
    if (kind === TokenSectionKind.logprobs) return readTokenLogprobs(bytes, tokenCount);
  }
  return null;
}

function readTokenEntry(reader: FrameReader): TokenEntry {
  const rid = reader.hex(16, 'rid');
  const choice = reader.u8('choice');
  const attempt = reader.u8('attempt');
  const finish = reader.finish('finish');
  const tokenCount = reader.u8('tokenCount');
  const index = reader.u32('index');
  const mask = reader.u8('sections');
  reader.skip(3, 'pad');
  const tokens = reader.u32Array(tokenCount, 'tokens');
  return { rid, choice, attempt, finish, index, tokens, logprobs: logprobsOf(reader, mask, tokenCount) };
}

/** Throws ProtocolError. */
export function decodeTokenFrame(bytes: Uint8Array): TokenFrame {
  const reader = new FrameReader(bytes, 'TokenFrame');
  const { sender, seq, count } = readFrameHeader(reader, FrameType.tokens);
  if (count * ENTRY_BYTES > bytes.byteLength) {
    throw new ProtocolError(reader.path('count'), `${count} entries do not fit in ${bytes.byteLength} bytes`);
  }
  const entries = new Array<TokenEntry>(count);
  for (let i = 0; i < count; i++) entries[i] = readTokenEntry(reader);
  reader.end();
  return { sender, seq, count, entries };
}
