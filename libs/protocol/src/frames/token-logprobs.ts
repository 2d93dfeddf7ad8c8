import { ProtocolError } from '../protocol-error.js';
import { FrameReader } from './frame-reader.js';
import type { FrameWriter } from './frame-writer.js';

/** Natural logarithms of probabilities, in single precision. */
export interface TokenLogprobs {
  readonly logprob: number;
  /** The likeliest tokens, best first. */
  readonly top: readonly { readonly token: number; readonly logprob: number }[];
}

/**
 * The section of a token entry: for each token
 *
 * ```
 *  0         4          8
 *  ├ logprob ┼ topCount ┼ topCount × (u32 token, f32 logprob) ┤
 *    f32       u32
 * ```
 *
 * Throws ProtocolError unless there is one for each token.
 */
export function writeTokenLogprobs(writer: FrameWriter, logprobs: readonly TokenLogprobs[], tokenCount: number): void {
  if (logprobs.length !== tokenCount) {
    throw new ProtocolError('logprobs.length', `expected one for each of ${tokenCount} tokens, got ${logprobs.length}`);
  }
  for (const { logprob, top } of logprobs) {
    writer.f32(logprob);
    writer.u32(top.length, 'logprobs.top.length');
    for (const one of top) {
      writer.u32(one.token, 'logprobs.top.token');
      writer.f32(one.logprob);
    }
  }
}

/** Throws ProtocolError unless there is one for each token. */
export function readTokenLogprobs(bytes: Uint8Array, tokenCount: number): TokenLogprobs[] {
  const reader = new FrameReader(bytes, 'TokenFrame.logprobs');
  const logprobs: TokenLogprobs[] = [];
  for (let i = 0; i < tokenCount; i++) {
    const logprob = reader.f32('logprob');
    const topCount = reader.u32('topCount');
    const top: { token: number; logprob: number }[] = [];
    for (let k = 0; k < topCount; k++) top.push({ token: reader.u32('top.token'), logprob: reader.f32('top.logprob') });
    logprobs.push({ logprob, top });
  }
  reader.end();
  return logprobs;
}
