import { ProtocolError } from '../protocol-error.js';
import type { FrameReader } from './frame-reader.js';
import type { FrameWriter } from './frame-writer.js';

/**
 * An optional block at the end of an entry. Kinds are 1 to 8: bit `kind - 1` of the entry's `sections` byte says that
 * the block is there, blocks follow by rising kind, and a reader skips the kinds it does not know.
 *
 * ```
 *  0        2            4
 *  ├ kind ──┼ byteLength ┼ bytes … │ 0 to 3 zeros ┤
 * ```
 */
export interface Section {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

export const NO_SECTIONS: readonly Section[] = [];
const MAX_KIND = 8;

/** The `sections` byte. Throws ProtocolError unless kinds rise from 1 to 8. */
export function sectionMask(sections: readonly Section[]): number {
  let mask = 0;
  for (let i = 0; i < sections.length; i++) {
    const { kind } = sections[i]!;
    const bit = 1 << (kind - 1);
    if (!Number.isInteger(kind) || kind < 1 || kind > MAX_KIND || bit <= mask) {
      throw new ProtocolError('sections', `expected rising kinds from 1 to ${MAX_KIND}, got ${kind}`);
    }
    mask |= bit;
  }
  return mask;
}

export function writeSections(writer: FrameWriter, sections: readonly Section[]): void {
  for (let i = 0; i < sections.length; i++) {
    const { kind, bytes } = sections[i]!;
    writer.u16(kind, 'section.kind');
    writer.u16(bytes.byteLength, 'section.byteLength');
    writer.bytes(bytes);
    writer.align();
  }
}

/** Views of the frame's own bytes. */
export function readSections(reader: FrameReader, mask: number): readonly Section[] {
  if (mask === 0) return NO_SECTIONS;
  const sections: Section[] = [];
  for (let expected = 1; expected <= MAX_KIND; expected++) {
    if ((mask & (1 << (expected - 1))) === 0) continue;
    const kind = reader.u16('section.kind');
    if (kind !== expected) throw new ProtocolError(reader.path('section.kind'), `expected ${expected}, got ${kind}`);
    const bytes = reader.view(reader.u16('section.byteLength'), 'section.bytes');
    reader.align('section.padding');
    sections.push({ kind, bytes });
  }
  return sections;
}
