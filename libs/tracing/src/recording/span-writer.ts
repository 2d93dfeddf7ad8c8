import { threadId } from 'node:worker_threads';
import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import {
  DROPPED_SHIFT,
  FLAG_STATUS_MESSAGE,
  FLAG_TRACE_STATE,
  HEADER_WORDS,
  MAX_ATTRIBUTES,
  MAX_LIST,
  MAX_NAMES,
  MAX_RECORD_WORDS,
  MAX_SPANS_OF_MEMBERS,
  MAX_TEXT,
  MEMBER_WORDS,
  MEMBERS_SHIFT,
  nextRecord,
  RecordType,
  RING_WORDS,
  SPAN_HEAD_WORDS,
  ValueType,
  Word,
} from './record-format.js';
import { SharedControl } from './shared-control.js';

/** Words that must be left in a record for the heads of what may still come. */
const RESERVE_WORDS = 64;

/**
 * An x86 processor shows a thread's stores to others in the order in which they were made, so that a plain one publishes what was
 * stored before it. `Atomics.store` waits for them as well, which takes a tenth of a slice's time; others, such as ARM, need it.
 */
const IS_ORDERED = process.arch === 'x64';

/** A power of two. */
const RECENT_NAMES = 128;

const control = SharedControl.ofProcess();

/** A ring with so much in it is to be looked at: some 1,500 spans, which a queue of the default size takes at once. */
const FILLING = 1 / 4;

/** Attributes as they lie in a record. */
interface FixedAttributes {
  readonly words: Int32Array;
  readonly count: number;
}

/**
 * One thread's end of its ring. A span is written in this order: `begin`, `ids`, its texts (`name`, `statusMessage`, `traceState`),
 * `attribute`s, `event`s each with its attributes, `link`s each with its attributes, `commit`. Nothing waits or throws: a full
 * ring drops the record and counts.
 */
export class SpanWriter {
  readonly buffer: SharedArrayBuffer;
  readonly #capacity: number;
  readonly #i32: Int32Array;
  readonly #u16: Uint16Array;
  readonly #f64: Float64Array;
  readonly #names = new Map<string, number>();
  readonly #recentNames = new Array<string | null>(RECENT_NAMES).fill(null);
  readonly #recentIds = new Array<number>(RECENT_NAMES).fill(-1);
  readonly #fixed = new WeakMap<TraceAttributes, FixedAttributes>();
  /** Names that this record spells out. */
  readonly #unnumbered: string[] = [];
  #written = 0;
  #read = 0;
  /** With less room than this the reader's place is looked up. */
  #lookBelow: number;
  /** First word of the record, and the next free one. */
  #base = 0;
  #at = 0;
  #end = 0;
  /** The last record of members: its number, how many it has, and how many spans refer to it. */
  #membersId = 0;
  #members = 0;
  #spansOfMembers = 0;
  #attributes = 0;
  #droppedAttributes = 0;
  #events = 0;
  #links = 0;
  /** Where the count of attributes goes: the span's, an event's or a link's. */
  #countAt = 0;

  /** @param capacity words, a power of two and more than MAX_RECORD_WORDS */
  constructor(capacity = RING_WORDS) {
    this.#capacity = capacity;
    this.#lookBelow = capacity * (1 - FILLING);
    this.buffer = new SharedArrayBuffer((HEADER_WORDS + capacity + MAX_RECORD_WORDS) * 8);
    this.#i32 = new Int32Array(this.buffer);
    this.#u16 = new Uint16Array(this.buffer);
    this.#f64 = new Float64Array(this.buffer);
    this.#i32[Word.thread] = threadId;
  }

  /** Records that found no room, and spans that were {@link drop}ped. */
  get dropped(): number {
    return this.#i32[Word.dropped]!;
  }

  /** Counts a span that will not be written. @returns false */
  drop(): false {
    this.#i32[Word.dropped]!++;
    return false;
  }

  /** The number of a name, which the reader is told; -1 when there is no room for it, or there are too many. */
  nameId(name: string): number {
    const known = this.#known(name);
    if (known >= 0) return known;
    const id = this.#names.size;
    if (id >= MAX_NAMES || !this.#open(RecordType.name)) return -1;
    this.#at = this.#base + 2;
    const length = Math.min(name.length, MAX_TEXT);
    this.#i32[this.#base * 2 + 2] = id;
    this.#i32[this.#base * 2 + 3] = length;
    this.#characters(name, length);
    this.#publish();
    this.#names.set(name, id);
    return id;
  }

  /**
   * Begins a span, whose `ids` have to follow. Ids are words of 32 bits: as they are exported, read as little-endian.
   *
   * @param name a number, or -1 when `name` follows
   * @param traceId 4 words
   * @returns false when the ring is full; then nothing else may be called
   */
  begin(
    name: number,
    startTs: number,
    endTs: number,
    traceId: ArrayLike<number>,
    epoch: number,
    scope: number,
    flags: number,
  ): boolean {
    if (!this.#open(RecordType.span)) return this.drop();
    const word = this.#base;
    const i32 = this.#i32;
    this.#f64[word + 1] = startTs;
    this.#f64[word + 2] = endTs;
    const at = word * 2;
    // Four lines take half the time of a loop.
    i32[at + 6] = traceId[0]!;
    i32[at + 7] = traceId[1]!;
    i32[at + 8] = traceId[2]!;
    i32[at + 9] = traceId[3]!;
    i32[at + 16] = name;
    i32[at + 17] = epoch;
    i32[at + 18] = scope;
    i32[at + 19] = flags;
    i32[at + 22] = 0;
    i32[at + 23] = 0;
    this.#at = word + SPAN_HEAD_WORDS;
    this.#attributes = this.#droppedAttributes = this.#events = this.#links = 0;
    this.#countAt = at + 20;
    return true;
  }

  /** Of the span that began, two words each: its own, its parent's, and that of the slice before it; zeros for none. */
  ids(span0: number, span1: number, parent0 = 0, parent1 = 0, previous0 = 0, previous1 = 0): void {
    const i32 = this.#i32;
    const at = this.#base * 2;
    i32[at + 10] = span0;
    i32[at + 11] = span1;
    i32[at + 12] = parent0;
    i32[at + 13] = parent1;
    i32[at + 14] = previous0;
    i32[at + 15] = previous1;
  }

  /** The name of a span that began with -1. */
  name(text: string): void {
    this.#text(text);
  }

  /** Its flag is set here. */
  statusMessage(text: string): void {
    this.#i32[this.#base * 2 + 19]! |= FLAG_STATUS_MESSAGE;
    this.#text(text);
  }

  /** Its flag is set here. */
  traceState(text: string): void {
    this.#i32[this.#base * 2 + 19]! |= FLAG_TRACE_STATE;
    this.#text(text);
  }

  attributes(attributes: TraceAttributes): void {
    for (const key in attributes) this.attribute(key, attributes[key]!);
  }

  /** As `attributes`, of an object that stays and never changes: its words are copied from the second time on. */
  fixedAttributes(attributes: TraceAttributes): void {
    const known = this.#fixed.get(attributes);
    // Whether all have room is not looked at: they come first.
    if (known !== undefined) {
      const { words, count } = known;
      const at = this.#at * 2;
      // `set` takes longer for so few.
      for (let i = 0; i < words.length; i++) this.#i32[at + i] = words[i]!;
      this.#at += words.length / 2;
      this.#attributes += count;
      return;
    }
    const from = this.#at * 2;
    const before = this.#attributes;
    const unnumbered = this.#unnumbered.length;
    this.attributes(attributes);
    if (this.#unnumbered.length > unnumbered) return;
    this.#fixed.set(attributes, { words: this.#i32.slice(from, this.#at * 2), count: this.#attributes - before });
  }

  attribute(key: string, value: AttributeValue): void {
    if (this.#at > this.#end || this.#attributes >= MAX_ATTRIBUTES) {
      this.#droppedAttributes++;
      return;
    }
    const head = this.#at * 2;
    const i32 = this.#i32;
    this.#at++;
    i32[head] = this.#idOf(key);
    if (typeof value === 'number') {
      i32[head + 1] = ValueType.number;
      this.#f64[this.#at++] = value;
    } else if (typeof value === 'string') {
      const length = this.#fit(value.length, 4);
      i32[head + 1] = ValueType.string | (length << 3);
      this.#characters(value, length);
    } else if (typeof value === 'boolean') i32[head + 1] = ValueType.boolean | (Number(value) << 3);
    else if (Array.isArray(value)) i32[head + 1] = this.#list(value as readonly (string | number)[]);
    else i32[head + 1] = ValueType.none;
    this.#attributes++;
  }

  /** @returns false when the record has no room for it */
  event(name: string, ts: number): boolean {
    if (this.#at > this.#end) return false;
    this.#count();
    this.#f64[this.#at] = ts;
    const head = this.#at * 2 + 2;
    this.#at += 2;
    this.#countAt = head + 1;
    this.#i32[head] = this.#idOf(name);
    this.#events++;
    return true;
  }

  /** To a span of a trace, whose id are 4 words. @returns false when the record has no room for it */
  link(traceId: ArrayLike<number>, span0: number, span1: number): boolean {
    if (this.#at > this.#end) return false;
    this.#count();
    const at = this.#at * 2;
    for (let i = 0; i < 4; i++) this.#i32[at + i] = traceId[i]!;
    this.#i32[at + 4] = span0;
    this.#i32[at + 5] = span1;
    this.#i32[at + 7] = 0;
    this.#countAt = at + 6;
    this.#at += 4;
    this.#links++;
    return true;
  }

  /** Begins a record of the spans that batch steps link to. @returns false when the ring is full; then nothing else may be called */
  beginMembers(): boolean {
    if (!this.#open(RecordType.members)) return this.drop();
    this.#at = this.#base + 2;
    this.#members = 0;
    return true;
  }

  /** @param ids trace id (4 words) and span id (2) */
  member(ids: ArrayLike<number>): void {
    const at = this.#at * 2;
    for (let i = 0; i < 6; i++) this.#i32[at + i] = ids[i]!;
    this.#at += MEMBER_WORDS;
    this.#members++;
  }

  /** @returns what `linkMembers` knows them by */
  commitMembers(): number {
    this.#i32[this.#base * 2 + 2] = this.#members;
    this.#i32[this.#base * 2 + 3] = 0;
    this.#publish();
    this.#spansOfMembers = 0;
    return ++this.#membersId;
  }

  /** Whether the next span can link to these members; else they have to be written again. */
  hasMembers(id: number): boolean {
    return id === this.#membersId && this.#spansOfMembers < MAX_SPANS_OF_MEMBERS;
  }

  /** Links the span that began to each of the last members. */
  linkMembers(): void {
    this.#i32[this.#base * 2 + 19]! |= this.#members << MEMBERS_SHIFT;
    this.#spansOfMembers++;
  }

  commit(droppedEvents = 0, droppedLinks = 0): void {
    this.#count();
    const at = this.#base * 2;
    this.#i32[at + 21] = this.#events;
    this.#i32[at + 22] = this.#links | (droppedLinks << DROPPED_SHIFT);
    this.#i32[at + 23] = droppedEvents;
    this.#publish();
    if (this.#unnumbered.length === 0) return;
    for (const name of this.#unnumbered) this.nameId(name);
    this.#unnumbered.length = 0;
  }

  /** A name's number; -1 if it has none. A slice has three names at least, so the map is asked once for each: it takes 10 ns. */
  #known(name: string): number {
    const slot = (name.length * 7 + name.charCodeAt(name.length - 1)) & (RECENT_NAMES - 1);
    if (this.#recentNames[slot] === name) return this.#recentIds[slot]!;
    const id = this.#names.get(name) ?? -1;
    if (id >= 0) {
      this.#recentNames[slot] = name;
      this.#recentIds[slot] = id;
    }
    return id;
  }

  /** Of a name within a record: the first time it is -1, and the text follows. */
  #idOf(name: string): number {
    const known = this.#known(name);
    if (known >= 0) return known;
    this.#text(name);
    this.#unnumbered.push(name);
    return -1;
  }

  /** @returns false when the longest record would not fit */
  #open(type: number): boolean {
    if (this.#free() < this.#lookBelow && !this.#hasRoom()) return false;
    this.#base = HEADER_WORDS + (this.#written & (this.#capacity - 1));
    this.#end = this.#base + MAX_RECORD_WORDS - RESERVE_WORDS;
    this.#i32[this.#base * 2 + 1] = type;
    return true;
  }

  #hasRoom(): boolean {
    this.#read = Atomics.load(this.#i32, Word.read);
    const free = this.#free();
    const share = this.#capacity * FILLING;
    const isFilling = free < this.#capacity - share;
    // Not for each record that finds it full.
    if (isFilling && this.#lookBelow > MAX_RECORD_WORDS) control.askForLook();
    this.#lookBelow = isFilling ? Math.max(free - share, MAX_RECORD_WORDS) : this.#capacity - share;
    return free >= MAX_RECORD_WORDS;
  }

  #free(): number {
    return this.#capacity - ((this.#written - this.#read) | 0);
  }

  #publish(): void {
    const words = this.#at - this.#base;
    this.#i32[this.#base * 2] = words;
    this.#written = nextRecord(this.#written, words, this.#capacity);
    if (IS_ORDERED) this.#i32[Word.written] = this.#written;
    else Atomics.store(this.#i32, Word.written, this.#written);
  }

  /** Of what is written to now; the next attributes are of something else. */
  #count(): void {
    this.#i32[this.#countAt] = this.#attributes | (this.#droppedAttributes << DROPPED_SHIFT);
    this.#attributes = this.#droppedAttributes = 0;
  }

  #list(values: readonly (string | number)[]): number {
    if (typeof values[0] !== 'string') {
      const length = Math.min(this.#fit(values.length, 1), MAX_LIST);
      for (let i = 0; i < length; i++) this.#f64[this.#at++] = values[i] as number;
      return ValueType.numbers | (length << 3);
    }
    let length = 0;
    while (length < values.length && length < MAX_LIST && this.#at <= this.#end) this.#text(values[length++] as string);
    return ValueType.strings | (length << 3);
  }

  #text(text: string): void {
    const length = this.#fit(text.length, 4);
    this.#i32[this.#at * 2] = length;
    this.#i32[this.#at * 2 + 1] = 0;
    this.#at++;
    this.#characters(text, length);
  }

  /** How many of `length` elements, so many a word, the record still takes. */
  #fit(length: number, perWord: number): number {
    const most = Math.max(0, (this.#end - this.#at) * perWord);
    return Math.min(length, perWord === 4 ? MAX_TEXT : MAX_LIST, most);
  }

  #characters(text: string, length: number): void {
    const at = this.#at * 4;
    for (let i = 0; i < length; i++) this.#u16[at + i] = text.charCodeAt(i);
    this.#at += (length + 3) >> 2;
  }
}
