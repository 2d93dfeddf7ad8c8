import type { RequestId } from '../ids.js';
import type { FinishReason } from '../messages/codes.js';
import { ProtocolError } from '../protocol-error.js';
import type { FrameHeader } from './frame-header.js';
import { FrameType, readFrameHeader } from './frame-header.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import type { Section } from './sections.js';
import { readSections, sectionBit, writeSection } from './sections.js';
import type { TextLogprobs } from './text-logprobs.js';
import { readTextLogprobs, writeTextLogprobs } from './text-logprobs.js';

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
  /** One for each token that gives text, where the request asks for them: none for the end or stop token at the end. */
  readonly logprobs: readonly TextLogprobs[] | null;
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
  logprobs: 3,
} as const;

const ENTRY_BYTES = 32;
const FROM_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A writer for `writeTextEntry`; one per gateway, kept between frames. */
export function textFrameWriter(initialBytes?: number): FrameWriter {
  return new FrameWriter(FrameType.text, initialBytes);
}

function sectionsOf({ matchedStop, logprobs }: TextEntry): number {
  const stopKind = typeof matchedStop === 'string' ? TextSectionKind.stopString : TextSectionKind.stopToken;
  return (matchedStop === null ? 0 : sectionBit(stopKind)) | (logprobs ? sectionBit(TextSectionKind.logprobs) : 0);
}

function writeSections(writer: FrameWriter, { matchedStop, logprobs, tokens }: TextEntry): void {
  if (typeof matchedStop === 'string') {
    writeSection(writer, TextSectionKind.stopString, () => writer.utf8(matchedStop));
  } else if (matchedStop !== null) {
    writeSection(writer, TextSectionKind.stopToken, () => writer.u32(matchedStop, 'matchedStop'));
  }
  if (logprobs) {
    writeSection(writer, TextSectionKind.logprobs, () => writeTextLogprobs(writer, logprobs, tokens.length));
  }
}

/** Throws ProtocolError when a field does not fit; the writer then holds what it held before. */
export function writeTextEntry(writer: FrameWriter, entry: TextEntry): void {
  const sections = sectionsOf(entry);
  writer.begin();
  writer.hex(entry.rid, 16, 'rid');
  writer.u8(entry.choice, 'choice');
  writer.u8(entry.attempt, 'attempt');
  writer.u8(entry.finish, 'finish');
  writer.u8(sections, 'sections');
  writer.u32(entry.index, 'index');
  writer.u16(entry.tokens.length, 'tokens.length');
  writer.zeros(2);
  const textLengthAt = writer.position;
  writer.zeros(4);
  writer.u32Array(entry.tokens, 'tokens');
  writer.setU32(textLengthAt, writer.utf8(entry.text));
  writer.align();
  if (sections !== 0) writeSections(writer, entry);
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

function logprobsOf(sections: readonly Section[], tokenCount: number): TextLogprobs[] | null {
  const section = sections.find(({ kind }) => kind === TextSectionKind.logprobs);
  return section ? readTextLogprobs(section.bytes, tokenCount) : null;
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
  const sections = readSections(reader, mask);
  const matchedStop = matchedStopOf(reader, sections);
  const logprobs = logprobsOf(sections, tokenCount);
  return { rid, choice, attempt, finish, index, tokens, text, matchedStop, logprobs };
}

/** Throws ProtocolError. The bytes of logprobs are views of `bytes`. */
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
