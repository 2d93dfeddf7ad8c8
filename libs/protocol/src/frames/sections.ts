import { ProtocolError } from '../protocol-error.js';
import type { FrameReader } from './frame-reader.js';
import type { FrameWriter } from './frame-writer.js';

/**
 * An optional block at the end of an entry. Kinds are 1 to 8: bit `kind - 1` of the entry's `sections` byte says that
 * the block is there, blocks follow by rising kind, and a reader skips the kinds it does not know.
 *
 * ```
 *  0      1            4
 *  ├ kind ┼ byteLength ┼ bytes … │ 0 to 3 zeros ┤
 *    u8     u24
 * ```
 */
export interface Section {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

const NO_SECTIONS: readonly Section[] = [];
const HEAD_BYTES = 4;
const MAX_KIND = 8;
const MAX_BYTES = 0xffffff;

/** The bit of a kind in the `sections` byte. */
export function sectionBit(kind: number): number {
  return 1 << (kind - 1);
}

/** A block of what `write` writes. */
export function writeSection(writer: FrameWriter, kind: number, write: () => void): void {
  const headAt = writer.position;
  writer.zeros(HEAD_BYTES);
  write();
  const byteLength = writer.position - headAt - HEAD_BYTES;
  if (byteLength > MAX_BYTES) {
    throw new ProtocolError('section.byteLength', `expected at most ${MAX_BYTES}, got ${byteLength}`);
  }
  writer.setU32(headAt, byteLength * 0x100 + kind);
  writer.align();
}

/** Views of the frame's own bytes. */
export function readSections(reader: FrameReader, mask: number): readonly Section[] {
  if (mask === 0) return NO_SECTIONS;
  const sections: Section[] = [];
  for (let expected = 1; expected <= MAX_KIND; expected++) {
    if ((mask & sectionBit(expected)) === 0) continue;
    const head = reader.u32('section.head');
    const kind = head & 0xff;
    if (kind !== expected) throw new ProtocolError(reader.path('section.kind'), `expected ${expected}, got ${kind}`);
    const bytes = reader.view(head >>> 8, 'section.bytes');
    reader.align('section.padding');
    sections.push({ kind, bytes });
  }
  return sections;
}
