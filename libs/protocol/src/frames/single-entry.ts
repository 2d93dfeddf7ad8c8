import { ProtocolError } from '../protocol-error.js';
import type { FrameHeader, FrameType } from './frame-header.js';
import { readFrameHeader } from './frame-header.js';
import type { FrameReader } from './frame-reader.js';

/** The header of a frame that is one entry. */
export function readSingleHeader(reader: FrameReader, type: FrameType): FrameHeader {
  const header = readFrameHeader(reader, type);
  if (header.count !== 1) throw new ProtocolError(reader.path('count'), `expected 1, got ${header.count}`);
  return header;
}
