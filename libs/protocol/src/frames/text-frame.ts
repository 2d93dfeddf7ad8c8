import type { RequestId } from '../ids.js';
import type { FinishReason } from '../messages/codes.js';
import { ProtocolError } from '../protocol-error.js';
import type { FrameHeader } from './frame-header.js';
import { FrameType, readFrameHeader } from './frame-header.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import type { Section } from './sections.js';
import { NO_SECTIONS, readSections, sectionMask, writeSections } from './sections.js';

/**
 * Text of one choice, with the tokens that were taken to make it.
 *
 * ```
 *  0      16       17        18       19         20      24           26    28          32
 *  ├ rid ─┼ choice ┼ attempt ┼ finish ┼ sections ┼ index ┼ tokenCount ┼ pad ┼ textBytes ┼ tokens │ text, padded │ sections ┤
 * ```
 */
export interface TextEntry {
  readonly rid: RequestId;
  readonly choice: number;
  readonly attempt: number;
  /** Other than `none`: this is the choice's last text. */
  readonly finish: FinishReason;
  /** Position of the first token in the completion. */
  readonly index: number;
  /** At most 65,535. Ids so far are what a retry or a migration needs. */
  readonly tokens: readonly number[];
  /** May be empty: tokens that end inside a character or a possible stop string hold their text back. */
  readonly text: string;
  /** The stop string or the stop token's id that ended it. */
  readonly matchedStop: string | number | null;
}

/** tokenizer to gateway: all that is new for that gateway. */
export interface TextFrame extends FrameHeader {
  readonly entries: readonly TextEntry[];
}

export const TextSectionKind = {
  /** UTF-8. */
  stopString: 1,
  /** u32. */
  stopToken: 2,
} as const;

const ENTRY_BYTES = 32;
const TO_UTF8 = new TextEncoder();
const FROM_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A writer for `writeTextEntry`; one per gateway, kept between frames. */
export function textFrameWriter(initialBytes?: number): FrameWriter {
  return new FrameWriter(FrameType.text, initialBytes);
}

function stopSections(matchedStop: string | number | null): readonly Section[] {
  if (matchedStop === null) return NO_SECTIONS;
  if (typeof matchedStop === 'string') {
    return [{ kind: TextSectionKind.stopString, bytes: TO_UTF8.encode(matchedStop) }];
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, matchedStop, true);
  return [{ kind: TextSectionKind.stopToken, bytes }];
}

/** Throws ProtocolError when a field does not fit; the writer then holds what it held before. */
export function writeTextEntry(writer: FrameWriter, entry: TextEntry): void {
  const sections = stopSections(entry.matchedStop);
  writer.begin();
  writer.hex(entry.rid, 16, 'rid');
  writer.u8(entry.choice, 'choice');
  writer.u8(entry.attempt, 'attempt');
  writer.u8(entry.finish, 'finish');
  writer.u8(sectionMask(sections), 'sections');
  writer.u32(entry.index, 'index');
  writer.u16(entry.tokens.length, 'tokens.length');
  writer.zeros(2);
  const textLengthAt = writer.position;
  writer.zeros(4);
  writer.u32Array(entry.tokens, 'tokens');
  writer.text(entry.text, textLengthAt);
  writer.align();
  writeSections(writer, sections);
  writer.commit();
}

/** A whole frame at once. */
export function encodeTextFrame(frame: Omit<TextFrame, 'count'>, writer = textFrameWriter()): Uint8Array {
  for (let i = 0; i < frame.entries.length; i++) writeTextEntry(writer, frame.entries[i]!);
  return writer.finish(frame.sender, frame.seq);
}

function utf8(reader: FrameReader, bytes: Uint8Array, field: string): string {
  if (bytes.byteLength === 0) return '';
  try {
    return FROM_UTF8.decode(bytes);
  } catch {
    throw new ProtocolError(reader.path(field), 'not UTF-8');
  }
}

function matchedStopOf(reader: FrameReader, sections: readonly Section[]): string | number | null {
  for (const { kind, bytes } of sections) {
    if (kind === TextSectionKind.stopString) return utf8(reader, bytes, 'stopString');
    if (kind === TextSectionKind.stopToken) return new FrameReader(bytes, 'TextFrame').u32('stopToken');
  }
  return null;
}

function readTextEntry(reader: FrameReader): TextEntry {
  const rid = reader.hex(16, 'rid');
  const choice = reader.u8('choice');
  const attempt = reader.u8('attempt');
  const finish = reader.finish('finish');
  const mask = reader.u8('sections');
  const index = reader.u32('index');
  const tokenCount = reader.u16('tokenCount');
  reader.skip(2, 'pad');
  const textBytes = reader.u32('textBytes');
  const tokens = reader.u32Array(tokenCount, 'tokens');
  const text = utf8(reader, reader.view(textBytes, 'text'), 'text');
  reader.align('text padding');
  const matchedStop = matchedStopOf(reader, readSections(reader, mask));
  return { rid, choice, attempt, finish, index, tokens, text, matchedStop };
}

/** Throws ProtocolError. */
export function decodeTextFrame(bytes: Uint8Array): TextFrame {
  const reader = new FrameReader(bytes, 'TextFrame');
  const { sender, seq, count } = readFrameHeader(reader, FrameType.text);
  if (count * ENTRY_BYTES > bytes.byteLength) {
    throw new ProtocolError(reader.path('count'), `${count} entries do not fit in ${bytes.byteLength} bytes`);
  }
  const entries = new Array<TextEntry>(count);
  for (let i = 0; i < count; i++) entries[i] = readTextEntry(reader);
  reader.end();
  return { sender, seq, count, entries };
}
