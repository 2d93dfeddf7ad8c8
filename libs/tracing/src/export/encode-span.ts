import { LinkKind } from '../names.js';
import {
  COUNT_MASK,
  DROPPED_SHIFT,
  FLAG_STATUS_MESSAGE,
  FLAG_TRACE_STATE,
  MEMBERS_SHIFT,
  SPAN_HEAD_WORDS,
  ValueType,
} from '../recording/record-format.js';
import type { RingReader } from '../recording/ring-reader.js';
import { kindAttribute, LINKS_TAG, LinkTag, MemberLinks, writeId, writeLink } from './encode-link.js';
import type { EpochTimes } from './epoch-times.js';
import type { FurtherNames } from './further-names.js';
import { ARRAY_VALUES, encodeNumber, KeyValueTag, ValueTag } from './otlp-values.js';
import type { ProtobufWriter } from './protobuf-writer.js';
import { DEFAULT_SPAN_LIMITS, limitUnits, type SpanLimits } from './span-limits.js';

/** Field numbers and wire types of opentelemetry/proto/trace/v1/trace.proto. */
const SpanTag = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  parentSpanId: 0x22,
  name: 0x2a,
  kind: 0x30,
  startTime: 0x39,
  endTime: 0x41,
  attributes: 0x4a,
  droppedAttributes: 0x50,
  events: 0x5a,
  droppedEvents: 0x60,
  links: LINKS_TAG,
  droppedLinks: 0x70,
  status: 0x7a,
  /** Two bytes, little-endian. */
  flags: 0x0185,
} as const;
const EventTag = { time: 0x09, name: 0x12, attributes: 0x1a, droppedAttributes: 0x20 } as const;
const StatusTag = { message: 0x12, code: 0x18 } as const;

/** W3C trace flags: what is recorded was sampled. Whether a parent is remote is not known here. */
const SAMPLED = 1;
/** A span has 128 bytes to 16 KiB, but for a few. */
const SPAN_LENGTH_BYTES = 2;
/** More than the fixed parts of a span, an event or a link take. */
const HEAD_BYTES = 128;

/** No text is as long. An integer, since each one is compared with it. */
const NO_LIMIT = 0x3fffffff;

/** Span records as OTLP spans, without a string or an object in between. */
export class SpanEncoder {
  #out!: ProtobufWriter;
  #ring!: RingReader;
  /** Next word of the record. */
  #at = 0;
  readonly #previousAttribute: Uint8Array;
  readonly #memberLinks: MemberLinks;
  readonly #maxValueLength: number;

  /** @param furtherNames of a span's attributes */
  constructor(
    private readonly times: EpochTimes,
    private readonly furtherNames: FurtherNames | null = null,
    private readonly limits: SpanLimits = DEFAULT_SPAN_LIMITS,
  ) {
    this.#previousAttribute = kindAttribute(LinkKind.previous, limits);
    this.#memberLinks = new MemberLinks(limits);
    this.#maxValueLength = Math.min(limits.valueLength, NO_LIMIT);
  }

  /** @param tag field of the message that the span becomes part of */
  encode(ring: RingReader, word: number, out: ProtobufWriter, tag: number): void {
    this.#ring = ring;
    this.#out = out;
    this.#at = word + SPAN_HEAD_WORDS;
    const { i32, f64 } = ring;
    const at = word * 2;
    const flags = i32[at + 19]!;
    const events = Math.min(i32[at + 21]!, this.limits.events);
    const droppedEvents = i32[at + 21]! - events;
    // The one to the slice before comes first.
    const hasPrevious = (i32[at + 14]! | i32[at + 15]!) !== 0;
    const allLinks = (i32[at + 22]! & COUNT_MASK) + (hasPrevious ? 1 : 0);
    const links = Math.min(allLinks, this.limits.links);
    const allMembers = flags >>> MEMBERS_SHIFT;
    const members = Math.min(ring.knownMembers(allMembers), this.limits.links - links);
    this.times.select(i32[at + 17]!);
    out.reserve(HEAD_BYTES);
    out.byte(tag);
    const begun = out.begin(SPAN_LENGTH_BYTES);
    this.#id(SpanTag.traceId, (word + 3) * 8, 16);
    this.#id(SpanTag.spanId, (word + 5) * 8, 8);
    if ((i32[at + 12]! | i32[at + 13]!) !== 0) this.#id(SpanTag.parentSpanId, (word + 6) * 8, 8);
    out.byte(SpanTag.kind);
    out.byte(flags & 15);
    this.#time(SpanTag.startTime, f64[word + 1]!);
    this.#time(SpanTag.endTime, f64[word + 2]!);
    this.#varint(SpanTag.droppedEvents, i32[at + 23]! + droppedEvents);
    this.#varint(SpanTag.droppedLinks, (i32[at + 22]! >>> DROPPED_SHIFT) + allLinks - links + allMembers - members);
    out.byte(SpanTag.flags & 0xff);
    out.byte(SpanTag.flags >> 8);
    out.fixed32(SAMPLED);
    out.byte(SpanTag.name);
    this.#name(i32[at + 16]!);
    this.#status(flags);
    if ((flags & FLAG_TRACE_STATE) !== 0) {
      out.reserve(1);
      out.byte(SpanTag.traceState);
      this.#text();
    }
    this.#attributes(SpanTag, i32[at + 20]!, this.limits.attributes, this.furtherNames);
    for (let i = 0; i < events; i++) this.#event();
    for (let i = 0; i < droppedEvents; i++) this.#passOverEvent();
    if (hasPrevious && links > 0) this.#previous(word);
    for (let i = hasPrevious ? 1 : 0; i < links; i++) this.#link();
    if (members > 0) this.#memberLinks.append(ring.members, members, out);
    out.end(begun, SPAN_LENGTH_BYTES);
  }

  #status(flags: number): void {
    const out = this.#out;
    out.reserve(8);
    out.byte(SpanTag.status);
    const begun = out.begin();
    if ((flags & FLAG_STATUS_MESSAGE) !== 0) {
      out.byte(StatusTag.message);
      this.#text();
    }
    out.reserve(8);
    this.#varint(StatusTag.code, (flags >> 4) & 3);
    out.end(begun);
  }

  #event(): void {
    const out = this.#out;
    const ring = this.#ring;
    out.reserve(HEAD_BYTES);
    out.byte(SpanTag.events);
    const begun = out.begin();
    this.#time(EventTag.time, ring.f64[this.#at]!);
    const head = this.#at * 2 + 2;
    this.#at += 2;
    out.byte(EventTag.name);
    this.#name(ring.i32[head]!);
    this.#attributes(EventTag, ring.i32[head + 1]!, this.limits.eventAttributes);
    out.end(begun);
  }

  #passOverEvent(): void {
    const before = this.#out.length;
    this.#event();
    this.#out.length = before;
  }

  /** To the slice before, which is of the same trace. */
  #previous(word: number): void {
    writeLink(this.#out, this.#ring.bytes, (word + 3) * 8, (word + 7) * 8, this.#previousAttribute);
  }

  #link(): void {
    const out = this.#out;
    const at = this.#at;
    this.#at += 4;
    out.reserve(HEAD_BYTES);
    out.byte(SpanTag.links);
    const begun = out.begin();
    this.#id(LinkTag.traceId, at * 8, 16);
    this.#id(LinkTag.spanId, (at + 2) * 8, 8);
    this.#attributes(LinkTag, this.#ring.i32[at * 2 + 6]!, this.limits.linkAttributes);
    out.end(begun);
  }

  /**
   * As many as there may be: each, and again under its further name where it has one.
   *
   * @param counts of a record: the attributes that it has, and above bit 15 those that it had no room for
   */
  #attributes(
    tag: { readonly attributes: number; readonly droppedAttributes: number },
    counts: number,
    most: number,
    names: FurtherNames | null = null,
  ): void {
    const count = counts & COUNT_MASK;
    if (names === null && count === counts && count <= most) {
      for (let i = 0; i < count; i++) this.#attribute(tag.attributes);
      return;
    }
    let left = most;
    for (let i = 0; i < count; i++) {
      const at = this.#at;
      left = this.#oneOf(left, tag.attributes);
      const name = names?.of(this.#ring, this.#ring.i32[at * 2]!, at + 1);
      if (name === undefined) continue;
      this.#at = at;
      left = this.#oneOf(left, tag.attributes, name);
    }
    this.#out.reserve(HEAD_BYTES);
    this.#varint(tag.droppedAttributes, (counts >>> DROPPED_SHIFT) + Math.max(0, -left));
  }

  /** @returns how many are left; below 0 it was left out */
  #oneOf(left: number, tag: number, key: Uint8Array | null = null): number {
    const out = this.#out;
    const before = out.length;
    this.#attribute(tag, key);
    // It has no value.
    if (out.length === before) return left;
    if (left <= 0) out.length = before;
    return left - 1;
  }

  /** @param key in the place of its own */
  #attribute(tag: number, key: Uint8Array | null = null): void {
    const out = this.#out;
    const { i32, f64 } = this.#ring;
    const head = this.#at++ * 2;
    out.reserve(HEAD_BYTES);
    const before = out.length;
    out.byte(tag);
    const begun = out.begin();
    out.byte(KeyValueTag.key);
    if (key === null) this.#name(i32[head]!);
    else {
      out.block(key);
      if (i32[head]! < 0) this.#at += 1 + ((i32[this.#at * 2]! + 3) >> 2);
    }
    out.reserve(HEAD_BYTES);
    out.byte(KeyValueTag.value);
    const typed = i32[head + 1]!;
    const size = typed >> 3;
    const value = out.begin();
    switch (typed & 7) {
      case ValueType.number:
        encodeNumber(out, f64[this.#at++]!);
        break;
      case ValueType.boolean:
        out.byte(ValueTag.boolean);
        out.byte(size);
        break;
      case ValueType.string:
        out.byte(ValueTag.string);
        this.#valueText(size);
        break;
      case ValueType.numbers:
      case ValueType.strings:
        this.#list(size, (typed & 7) === ValueType.numbers);
        break;
      default:
        out.length = before;
        return;
    }
    out.end(value);
    out.end(begun);
  }

  #list(size: number, ofNumbers: boolean): void {
    const out = this.#out;
    out.byte(ValueTag.array);
    const list = out.begin();
    for (let i = 0; i < size; i++) {
      out.reserve(HEAD_BYTES);
      out.byte(ARRAY_VALUES);
      const value = out.begin();
      if (ofNumbers) encodeNumber(out, this.#ring.f64[this.#at++]!);
      else {
        out.byte(ValueTag.string);
        this.#valueText(this.#ring.i32[this.#at++ * 2]!);
      }
      out.end(value);
    }
    out.end(list);
  }

  #id(tag: number, from: number, size: number): void {
    writeId(this.#out, tag, this.#ring.bytes, from, size);
  }

  #time(tag: number, ts: number): void {
    this.#out.byte(tag);
    this.times.write(ts, this.#out);
  }

  #varint(tag: number, value: number): void {
    if (value === 0) return;
    this.#out.byte(tag);
    this.#out.varint(value);
  }

  #name(id: number): void {
    if (id < 0) this.#text();
    else this.#out.block(this.#ring.utf8NameOf(id));
  }

  #text(): void {
    this.#characters(this.#ring.i32[this.#at++ * 2]!);
  }

  /** Of an attribute's value. */
  #valueText(length: number): void {
    if (length <= this.#maxValueLength) return this.#characters(length);
    const { u16 } = this.#ring;
    const from = this.#at * 4;
    this.#characters(
      length,
      limitUnits((at) => u16[from + at]!, length, this.#maxValueLength),
    );
  }

  /** @param kept of them */
  #characters(length: number, kept = length): void {
    this.#out.utf16(this.#ring.u16, this.#at * 4, kept);
    this.#at += (length + 3) >> 2;
  }
}
