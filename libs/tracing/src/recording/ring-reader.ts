import type { AttributeValue } from '../request-trace.js';
import type { Attributed } from '../trace-span.js';
import {
  COUNT_MASK,
  DROPPED_SHIFT,
  FLAG_STATUS_MESSAGE,
  FLAG_TRACE_STATE,
  HEADER_WORDS,
  MAX_RECORD_WORDS,
  MEMBER_WORDS,
  MEMBERS_SHIFT,
  nextRecord,
  RecordType,
  SPAN_HEAD_WORDS,
  ValueType,
  Word,
} from './record-format.js';

/** What a reader hands a span's parts to, in the order of the record; strings are decoded only if they are looked at. */
export interface RawSpan {
  readonly name: string;
  readonly startTs: number;
  readonly endTs: number;
  /** Index in `bytes` of trace id (16 bytes), span id (8), parent id (8), and the slice before (8). */
  readonly idsAt: number;
  readonly epoch: number;
  readonly scope: string | null;
  readonly kind: number;
  readonly status: number;
  readonly statusMessage: string;
  readonly traceState: string;
  /** How many, and above them how many were dropped. */
  readonly attributes: number;
  readonly events: number;
  readonly links: number;
  /** How many of `RingReader.members` are links as well. */
  readonly members: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}

/** What batch steps link to: for each 16 bytes of trace id and 8 of span id. */
export type Members = Uint8Array;
export const MEMBER_BYTES = MEMBER_WORDS * 8;

/** The exporter's end of a ring. */
export class RingReader {
  /** All of the ring, for ids. */
  readonly bytes: Uint8Array;
  readonly thread: number;
  /** All of the ring, for encoders that make no strings. */
  readonly i32: Int32Array;
  readonly u16: Uint16Array;
  readonly f64: Float64Array;
  readonly #capacity: number;
  /** Those that spans with members link to: empty if they were missed. */
  members: Members = new Uint8Array(0);
  readonly #utf8Names: Uint8Array[] = [];
  /** Next word of the record that is read. */
  #at = 0;

  /** @param names by number, as the reader before this one knew them: the writer tells each only once */
  constructor(
    readonly buffer: SharedArrayBuffer,
    readonly names: string[] = [],
  ) {
    this.bytes = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.#capacity = this.f64.length - HEADER_WORDS - MAX_RECORD_WORDS;
    this.thread = this.i32[Word.thread]!;
  }

  /** Records that the writer had no room for. */
  get dropped(): number {
    return Atomics.load(this.i32, Word.dropped);
  }

  get isEmpty(): boolean {
    return Atomics.load(this.i32, Word.written) === Atomics.load(this.i32, Word.read);
  }

  /**
   * Calls `take` for each span that was written, until it returns false: then that span stays for the next time. Within `take`
   * the parts are read in order: each of `attributes`, then per event `eventHead` and its attributes, then per link.
   * @returns how many were taken
   */
  drain(take: (span: RawSpan) => boolean): number {
    return this.drainRecords((word) => take(this.span(word)));
  }

  /** As `drain`, with the first word of each span's record. */
  drainRecords(take: (word: number) => boolean): number {
    const written = Atomics.load(this.i32, Word.written);
    let read = Atomics.load(this.i32, Word.read);
    let taken = 0;
    while (read !== written) {
      const word = HEADER_WORDS + (read & (this.#capacity - 1));
      const words = this.i32[word * 2]!;
      // No writer makes such a record; a loop over it would have no end.
      if (words <= 0) break;
      const type = this.i32[word * 2 + 1];
      if (type === RecordType.name) this.#learn(word);
      else if (type === RecordType.members) this.#learnMembers(word);
      else {
        if (!take(word)) break;
        taken++;
      }
      read = nextRecord(read, words, this.#capacity);
      Atomics.store(this.i32, Word.read, read);
    }
    return taken;
  }

  /** The span of a record; its parts are read next. */
  span(word: number): RawSpan {
    const at = word * 2;
    const i32 = this.i32;
    const flags = i32[at + 19]!;
    const links = i32[at + 22]!;
    const members = flags >>> MEMBERS_SHIFT;
    const knownMembers = this.knownMembers(members);
    this.#at = word + SPAN_HEAD_WORDS;
    return {
      startTs: this.f64[word + 1]!,
      endTs: this.f64[word + 2]!,
      idsAt: (word + 3) * 8,
      name: i32[at + 16]! < 0 ? this.#text() : this.nameOf(i32[at + 16]!),
      epoch: i32[at + 17]!,
      scope: i32[at + 18]! < 0 ? null : this.nameOf(i32[at + 18]!),
      kind: flags & 15,
      status: (flags >> 4) & 3,
      statusMessage: flags & FLAG_STATUS_MESSAGE ? this.#text() : '',
      traceState: flags & FLAG_TRACE_STATE ? this.#text() : '',
      attributes: i32[at + 20]!,
      events: i32[at + 21]!,
      links: links & COUNT_MASK,
      members: knownMembers,
      droppedLinks: (links >>> DROPPED_SHIFT) + members - knownMembers,
      droppedEvents: i32[at + 23]!,
    };
  }

  /** How many of so many members, which a span links to, this reader has: all or, if it missed them, none. */
  knownMembers(count: number): number {
    return this.members.length === count * MEMBER_BYTES ? count : 0;
  }

  nameOf(id: number): string {
    return this.names[id] ?? '';
  }

  /** Encoded once. */
  utf8NameOf(id: number): Uint8Array {
    return (this.#utf8Names[id] ??= Buffer.from(this.nameOf(id)));
  }

  /** A text that lies at a word; the next part is what it was. */
  textAt(word: number): string {
    const at = this.#at;
    this.#at = word;
    const text = this.#text();
    this.#at = at;
    return text;
  }

  /** The next attribute, handed on by its parts. */
  attribute(): readonly [key: string, value: AttributeValue | undefined] {
    const head = this.#at++ * 2;
    const id = this.i32[head]!;
    const typed = this.i32[head + 1]!;
    const key = id < 0 ? this.#text() : this.nameOf(id);
    return [key, this.#value(typed & 7, typed >> 3)];
  }

  /** @param counts of the span, the event or the link whose attributes are next */
  attributes(counts: number): Attributed {
    const attributes: Record<string, AttributeValue> = {};
    for (let i = 0; i < (counts & COUNT_MASK); i++) {
      const [key, value] = this.attribute();
      if (value !== undefined) attributes[key] = value;
    }
    const droppedAttributes = counts >>> DROPPED_SHIFT;
    return droppedAttributes === 0 ? { attributes } : { attributes, droppedAttributes };
  }

  /** The head of the next event; its attributes follow. */
  event(): { readonly name: string; readonly ts: number; readonly attributes: number } {
    const ts = this.f64[this.#at]!;
    const head = this.#at * 2 + 2;
    this.#at += 2;
    const id = this.i32[head]!;
    return { ts, name: id < 0 ? this.#text() : this.nameOf(id), attributes: this.i32[head + 1]! };
  }

  /** The head of the next link: where in `bytes` trace id (16) and span id (8) lie; its attributes follow. */
  link(): { readonly idsAt: number; readonly attributes: number } {
    const idsAt = this.#at * 8;
    const attributes = this.i32[this.#at * 2 + 6]!;
    this.#at += 4;
    return { idsAt, attributes };
  }

  #learn(word: number): void {
    this.#at = word + 2;
    const id = this.i32[word * 2 + 2]!;
    this.names[id] = this.#characters(this.i32[word * 2 + 3]!);
  }

  #learnMembers(word: number): void {
    const count = this.i32[word * 2 + 2]!;
    this.members = this.bytes.slice((word + 2) * 8, (word + 2) * 8 + count * MEMBER_BYTES);
  }

  #value(type: number, size: number): AttributeValue | undefined {
    switch (type) {
      case ValueType.number:
        return this.f64[this.#at++]!;
      case ValueType.boolean:
        return size === 1;
      case ValueType.string:
        return this.#characters(size);
      case ValueType.numbers:
        return Array.from({ length: size }, () => this.f64[this.#at++]!);
      case ValueType.strings:
        return Array.from({ length: size }, () => this.#text());
      default:
        return undefined;
    }
  }

  #text(): string {
    const length = this.i32[this.#at * 2]!;
    this.#at++;
    return this.#characters(length);
  }

  #characters(length: number): string {
    const at = this.#at * 4;
    this.#at += (length + 3) >> 2;
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.u16[at + i]!);
    return text;
  }
}
