import type { KvFormat } from '@sliceway/protocol';

/** The first field in which two formats differ, in words; undefined when KV of one can be taken for the other. */
export function kvFormatMismatch(prefill: KvFormat, decode: KvFormat): string | undefined {
  for (const field of Object.keys(prefill) as (keyof KvFormat)[]) {
    const [here, there] = [String(prefill[field]), String(decode[field])];
    if (here !== there) return `${field} of the KV is ${here} in prefill, ${there} in decode`;
  }
  return undefined;
}
