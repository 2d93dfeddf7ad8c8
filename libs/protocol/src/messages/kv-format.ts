import { ProtocolError } from '../protocol-error.js';
import type { Parser } from './parser.js';
import { array, integer, object, oneOf, string, u32 } from './parser.js';

/** What two engines must have in common before KV moves between them. */
export interface KvFormat {
  readonly engine: string;
  readonly dtype: 'f32' | 'f16';
  readonly pageTokens: number;
  /** Half-open ranges of what one side holds. */
  readonly layers: readonly [from: number, to: number];
  readonly kvHeads: readonly [from: number, to: number];
  readonly headDim: number;
  /** The engine's name for the order of a page block's axes. */
  readonly layout: string;
  /** Of the model's weights. */
  readonly fingerprint: string;
}

const bounds = array(u32);
const range: Parser<readonly [number, number]> = (value, path) => {
  const [from, to, ...rest] = bounds(value, path);
  if (from === undefined || to === undefined || rest.length > 0 || from >= to) {
    throw new ProtocolError(path, 'expected [from, to] with from < to');
  }
  return [from, to];
};
const atLeastOne = integer(1, 0xffffffff);

export const kvFormat = object<KvFormat>({
  engine: string,
  dtype: oneOf(['f32', 'f16'] as const),
  pageTokens: atLeastOne,
  layers: range,
  kvHeads: range,
  headDim: atLeastOne,
  layout: string,
  fingerprint: string,
});
