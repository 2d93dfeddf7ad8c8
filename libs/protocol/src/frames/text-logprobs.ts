import { ProtocolError } from '../protocol-error.js';
import { FrameReader } from './frame-reader.js';
import type { FrameWriter } from './frame-writer.js';

/** `TokenLogprobs` with each token's text: its bytes, which may be part of a character; a special token's, its name. */
export interface TextLogprobs {
  readonly bytes: Uint8Array;
  readonly logprob: number;
  /** The likeliest tokens, best first. */
  readonly top: readonly TopTextLogprob[];
}

export interface TopTextLogprob {
  readonly token: number;
  readonly bytes: Uint8Array;
  readonly logprob: number;
}

/**
 * The section of a text entry: for each token that gave text
 *
 * ```
 *  0         4          6           8
 *  ├ logprob ┼ topCount ┼ byteCount ┼ bytes │ topCount × (u32 token, f32 logprob, u16 byteCount, bytes) ┤
 *    f32       u16        u16
 * ```
 *
 * Throws ProtocolError when there are more than tokens.
 */
export function writeTextLogprobs(writer: FrameWriter, logprobs: readonly TextLogprobs[], tokenCount: number): void {
  checkCount(logprobs.length, tokenCount, 'logprobs.length');
  for (const { bytes, logprob, top } of logprobs) {
    writer.f32(logprob);
    writer.u16(top.length, 'logprobs.top.length');
    writer.u16(bytes.byteLength, 'logprobs.bytes.length');
    writer.bytes(bytes);
    for (const one of top) {
      writer.u32(one.token, 'logprobs.top.token');
      writer.f32(one.logprob);
      writer.u16(one.bytes.byteLength, 'logprobs.top.bytes.length');
      writer.bytes(one.bytes);
    }
  }
}

/** Byte arrays are views. Throws ProtocolError when there are more than tokens. */
export function readTextLogprobs(section: Uint8Array, tokenCount: number): TextLogprobs[] {
  const reader = new FrameReader(section, 'TextFrame.logprobs');
  const logprobs: TextLogprobs[] = [];
  while (!reader.isAtEnd) {
    const logprob = reader.f32('logprob');
    const topCount = reader.u16('topCount');
    const bytes = reader.view(reader.u16('byteCount'), 'bytes');
    const top: TopTextLogprob[] = [];
    for (let k = 0; k < topCount; k++) {
      const token = reader.u32('top.token');
      const topLogprob = reader.f32('top.logprob');
      top.push({ token, bytes: reader.view(reader.u16('top.byteCount'), 'top.bytes'), logprob: topLogprob });
    }
    logprobs.push({ bytes, logprob, top });
  }
  checkCount(logprobs.length, tokenCount, reader.path('length'));
  return logprobs;
}

function checkCount(count: number, tokenCount: number, field: string): void {
  if (count <= tokenCount) return;
  throw new ProtocolError(field, `expected at most one for each of ${tokenCount} tokens, got ${count}`);
}
