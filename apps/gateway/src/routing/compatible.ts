import type { KvFormat } from '@sliceway/protocol';
import type { Worker } from './worker-directory.js';

/** Whether KV of `prefill` can go on in `decode`: the same model to the bit, a common KV format and a common transport. */
export function compatible({ serves: prefill }: Worker, { serves: decode }: Worker): boolean {
  return (
    prefill.model === decode.model &&
    prefill.fingerprint === decode.fingerprint &&
    prefill.kvFormat !== null &&
    decode.kvFormat !== null &&
    sameFormat(prefill.kvFormat, decode.kvFormat) &&
    prefill.transports.some((transport) => decode.transports.includes(transport))
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
