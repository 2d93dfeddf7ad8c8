import { AttributeName, type TraceAttributes } from '@sliceway/tracing';

/** What the slices of both ends of a KV transfer say of it. MB are 10^6 bytes. */
export function transferAttributes(bytes: number, chunks: number, durationNs: number): TraceAttributes {
  const megabytesPerSecond = durationNs > 0 ? (bytes * 1000) / durationNs : 0;
  return {
    [AttributeName.bytes]: bytes,
    [AttributeName.chunks]: chunks,
    [AttributeName.megabytesPerSecond]: Number(megabytesPerSecond.toFixed(3)),
  };
}
