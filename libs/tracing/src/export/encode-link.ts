import { AttributeName, LinkKind } from '../names.js';
import { MEMBER_BYTES, type Members } from '../recording/ring-reader.js';
import { KeyValueTag, ValueTag } from './otlp-values.js';
import { ProtobufWriter } from './protobuf-writer.js';
import type { SpanLimits } from './span-limits.js';

/** Field `links` of a span, and the fields of each. */
export const LINKS_TAG = 0x6a;
export const LinkTag = { traceId: 0x0a, spanId: 0x12, attributes: 0x22, droppedAttributes: 0x28 } as const;
/** More than a link with its kind takes. */
const LINK_BYTES = 128;

/** A link's only attribute, encoded. */
export function kindAttribute(kind: LinkKind, { linkAttributes, valueLength }: SpanLimits): Uint8Array {
  if (linkAttributes === 0) return Uint8Array.of(LinkTag.droppedAttributes, 1);
  const key = AttributeName.linkKind;
  const value = kind.slice(0, valueLength);
  const any = [ValueTag.string, value.length, ...Buffer.from(value)];
  const pair = [KeyValueTag.key, key.length, ...Buffer.from(key), KeyValueTag.value, any.length, ...any];
  return Uint8Array.from([LinkTag.attributes, pair.length, ...pair]);
}

/**
 * A whole link; reserves.
 *
 * @param traceAt index in `bytes` of the trace's id
 * @param spanAt of the span's
 * @param attribute encoded
 */
export function writeLink(
  out: ProtobufWriter,
  bytes: Uint8Array,
  traceAt: number,
  spanAt: number,
  attribute: Uint8Array,
): void {
  out.reserve(LINK_BYTES);
  out.byte(LINKS_TAG);
  const begun = out.begin();
  writeId(out, LinkTag.traceId, bytes, traceAt, 16);
  writeId(out, LinkTag.spanId, bytes, spanAt, 8);
  out.copy(attribute, 0, attribute.length);
  out.end(begun);
}

export function writeId(out: ProtobufWriter, tag: number, bytes: Uint8Array, at: number, size: number): void {
  out.byte(tag);
  out.byte(size);
  out.copy(bytes, at, size);
}

/** Links to a batch step's members. Those that were encoded last are kept: the step often has those of the one before it. */
export class MemberLinks {
  readonly #attribute: Uint8Array;
  readonly #links = new ProtobufWriter(1 << 10);
  #members: Members | null = null;

  constructor(limits: SpanLimits) {
    this.#attribute = kindAttribute(LinkKind.batch, limits);
  }

  /** Those to the first `count`; reserves. */
  append(members: Members, count: number, out: ProtobufWriter): void {
    if (members !== this.#members) this.#encode(members);
    // All are as long.
    const size = (this.#links.length / members.length) * MEMBER_BYTES * count;
    out.reserve(size);
    out.bytes.set(this.#links.bytes.subarray(0, size), out.length);
    out.length += size;
  }

  #encode(members: Members): void {
    this.#members = members;
    this.#links.length = 0;
    for (let at = 0; at < members.length; at += MEMBER_BYTES) {
      writeLink(this.#links, members, at, at + 16, this.#attribute);
    }
  }
}
