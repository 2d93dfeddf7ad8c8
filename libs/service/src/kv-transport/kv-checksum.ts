import { crc32 } from 'node:zlib';
import type { KvFrameHead } from '@sliceway/protocol';

/** CRC-32 over what a KV frame says of its payload, and the payload: a frame damaged anywhere is not taken. */
export function kvChecksum(head: Omit<KvFrameHead, 'crc32'>, payload: readonly Uint8Array[]): number {
  const { seq, last, layerFrom, layerTo, tokenFrom, tokenTo, firstTokens } = head;
  const words = [
    seq,
    Number(last),
    layerFrom,
    layerTo,
    tokenFrom,
    tokenTo,
    ...firstTokens.flatMap(({ token, finish }) => [token, finish]),
  ];
  let sum = crc32(Buffer.from(Uint32Array.from(words).buffer));
  for (let i = 0; i < payload.length; i++) sum = crc32(payload[i]!, sum);
  return sum;
}
