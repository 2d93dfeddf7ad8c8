import { LinkKind, AttributeName } from '../names.js';
import { FLAG_STATUS_MESSAGE, FLAG_TRACE_STATE, SPAN_HEAD_WORDS, ValueType } from '../recording/record-format.js';
import type { RingReader } from '../recording/ring-reader.js';
import type { EpochTimes } from './epoch-times.js';
import type { FurtherNames } from './further-names.js';
import type { ProtobufWriter } from './protobuf-writer.js';

/** Field numbers and wire types of opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto. */
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
  events: 0x5a,
  droppedEvents: 0x60,
  links: 0x6a,
  droppedLinks: 0x70,
  status: 0x7a,
  /** Two bytes, little-endian. */
  flags: 0x0185,
} as const;
const EventTag = { time: 0x09, name: 0x12, attributes: 0x1a } as const;
const LinkTag = { traceId: 0x0a, spanId: 0x12, attributes: 0x22 } as const;
const StatusTag = { message: 0x12, code: 0x18 } as const;
const KeyValueTag = { key: 0x0a, value: 0x12 } as const;
const ValueTag = { string: 0x0a, boolean: 0x10, integer: 0x18, double: 0x21, array: 0x2a } as const;
const ARRAY_VALUES = 0x0a;

/** W3C trace flags: what is recorded was sampled. Whether a parent is remote is not known here. */
const SAMPLED = 1;
const INT64_END = 2 ** 63;
/** A span has 128 bytes to 16 KiB, but for a few. */
const SPAN_LENGTH_BYTES = 2;
/** More than the fixed parts of a span, an event or a link take. */
const HEAD_BYTES = 128;

function previousAttribute(): Uint8Array {
  const key = AttributeName.linkKind;
  const value = LinkKind.previous;
  const any = [ValueTag.string, value.length, ...Buffer.from(value)];
  const pair = [KeyValueTag.key, key.length, ...Buffer.from(key), KeyValueTag.value, any.length, ...any];
  return Uint8Array.from([LinkTag.attributes, pair.length, ...pair]);
}
const PREVIOUS = previousAttribute();

/** Span records as OTLP spans, without a string or an object in between. */
export class SpanEncoder {
  #out!: ProtobufWriter;
  #ring!: RingReader;
  /** Next word of the record. */
  #at = 0;

  /** @param furtherNames of a span's attributes */
  constructor(
    private readonly times: EpochTimes,
    private readonly furtherNames: FurtherNames | null = null,
  ) {}

  /** @param tag field of the message that the span becomes part of */
  encode(ring: RingReader, word: number, out: ProtobufWriter, tag: number): void {
    this.#ring = ring;
    this.#out = out;
    this.#at = word + SPAN_HEAD_WORDS;
    const { i32, f64 } = ring;
    const at = word * 2;
    const flags = i32[at + 19]!;
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
    this.#varint(SpanTag.droppedEvents, i32[at + 23]!);
    this.#varint(SpanTag.droppedLinks, i32[at + 22]! >>> 16);
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
    if (this.furtherNames === null) this.#attributes(SpanTag.attributes, i32[at + 20]!);
    else this.#renamed(this.furtherNames, i32[at + 20]!);
    const events = i32[at + 21]!;
    for (let i = 0; i < events; i++) this.#event();
    if ((i32[at + 14]! | i32[at + 15]!) !== 0) this.#previous(word);
    const links = i32[at + 22]! & 0xffff;
    for (let i = 0; i < links; i++) this.#link();
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
    this.#attributes(EventTag.attributes, ring.i32[head + 1]!);
    out.end(begun);
  }

  /** To the slice before, which is of the same trace. */
  #previous(word: number): void {
    const out = this.#out;
    out.reserve(HEAD_BYTES);
    out.byte(SpanTag.links);
    const begun = out.begin();
    this.#id(LinkTag.traceId, (word + 3) * 8, 16);
    this.#id(LinkTag.spanId, (word + 7) * 8, 8);
    out.copy(PREVIOUS, 0, PREVIOUS.length);
    out.end(begun);
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
    this.#attributes(LinkTag.attributes, this.#ring.i32[at * 2 + 6]!);
    out.end(begun);
  }

  #attributes(tag: number, count: number): void {
    for (let i = 0; i < count; i++) this.#attribute(tag);
  }

  /** Of the span, each again under its further name where it has one. */
  #renamed(names: FurtherNames, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.#at;
      this.#attribute(SpanTag.attributes);
      const name = names.of(this.#ring, this.#ring.i32[at * 2]!, at + 1);
      if (name === undefined) continue;
      this.#at = at;
      this.#attribute(SpanTag.attributes, name);
    }
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
        this.#number(f64[this.#at++]!);
        break;
      case ValueType.boolean:
        out.byte(ValueTag.boolean);
        out.byte(size);
        break;
      case ValueType.string:
        out.byte(ValueTag.string);
        this.#characters(size);
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
      if (ofNumbers) this.#number(this.#ring.f64[this.#at++]!);
      else {
        out.byte(ValueTag.string);
        this.#text();
      }
      out.end(value);
    }
    out.end(list);
  }

  #number(value: number): void {
    const out = this.#out;
    if (Number.isInteger(value) && value >= -INT64_END && value < INT64_END) {
      out.byte(ValueTag.integer);
      out.int64(value);
    } else {
      out.byte(ValueTag.double);
      out.double(value);
    }
  }

  #id(tag: number, from: number, size: number): void {
    this.#out.byte(tag);
    this.#out.byte(size);
    this.#out.copy(this.#ring.bytes, from, size);
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

  #characters(length: number): void {
    this.#out.utf16(this.#ring.u16, this.#at * 4, length);
    this.#at += (length + 3) >> 2;
  }
}
