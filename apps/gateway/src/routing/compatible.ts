import type { KvFormat } from '@sliceway/protocol';
import type { Worker } from './worker-directory.js';

/** Whether both have the same model, to the bit. */
export function sameModel({ serves: a }: Worker, { serves: b }: Worker): boolean {
  return a.model === b.model && a.fingerprint === b.fingerprint;
}

/** Whether KV of `prefill` can go on in `decode`: the same model, the same KV format and a common transport. */
export function compatible(prefill: Worker, decode: Worker): boolean {
  const { kvFormat, transports } = prefill.serves;
  return (
    sameModel(prefill, decode) &&
    kvFormat !== null &&
    decode.serves.kvFormat !== null &&
    sameFormat(kvFormat, decode.serves.kvFormat) &&
    transports.some((transport) => decode.serves.transports.includes(transport))
  );
}

function sameFormat(a: KvFormat, b: KvFormat): boolean {
  return (
    a.engine === b.engine &&
    a.dtype === b.dtype &&
    a.pageTokens === b.pageTokens &&
    a.headDim === b.headDim &&
    a.layout === b.layout &&
    a.fingerprint === b.fingerprint &&
    sameRange(a.layers, b.layers) &&
    sameRange(a.kvHeads, b.kvHeads)
  );
}

function sameRange([from, to]: readonly [number, number], [otherFrom, otherTo]: readonly [number, number]): boolean {
  return from === otherFrom && to === otherTo;
}
