import {
  subjects,
  textFrameWriter,
  tokenFrameWriter,
  writeTextEntry,
  writeTokenEntry,
  type TextEntry,
  type TokenEntry,
} from '@sliceway/protocol';
import type { FrameCodec } from './frame-publisher.js';

export const tokenCodec: FrameCodec<TokenEntry> = {
  subject: subjects.tokens,
  writer: tokenFrameWriter,
  write: writeTokenEntry,
};
export const textCodec: FrameCodec<TextEntry> = {
  subject: subjects.text,
  writer: textFrameWriter,
  write: writeTextEntry,
};
