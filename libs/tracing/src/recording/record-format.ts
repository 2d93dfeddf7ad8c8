/**
 * What one thread writes and the exporter reads: records in a ring of 64-bit words in shared memory.
 *
 * ```
 * ring    word 0      i32 written (position in words, wraps at 2^32) | i32 records dropped since the start
 *         word 1      i32 read                                       | i32 writer's thread
 *         word 2..    `capacity` words, and MAX_RECORD_WORDS more that a record at the end may run into
 *
 * record  word 0      i32 length in words | i32 type
 *   name  word 1      i32 name id         | i32 length in characters, then UTF-16, 4 a word
 *   members           i32 how many        | i32 0, then 3 words each: trace id, span id
 *   span  word 1      f64 start ts        word 2      f64 end ts
 *         word 3, 4   trace id            word 5      span id          word 6      parent id, 0 for none
 *         word 7      span id of the slice before it (a `prev` link), 0 for none
 *         word 8      i32 name id, -1 for a text that follows | i32 epoch (see SharedControl)
 *         word 9      i32 scope's name id, -1 for the library's own | i32 flags: kind, status << 4, FLAG_*, members << 16
 *         word 10     i32 attributes, dropped ones << 16 | i32 events
 *         word 11     i32 links, dropped links << 16 | i32 dropped events
 *         then        [name text] [status message text] [trace state text] attributes, events, links
 *   text              i32 length in characters | i32 0, then UTF-16, 4 a word
 *   attribute         i32 key's name id | i32 type, and above bit 3 its value or its length
 *                     [key text] number: f64; boolean: in the head; string: UTF-16 words; numbers: f64 each; strings: texts
 *   event             f64 ts, i32 name id | i32 attributes as in word 10, [name text], attributes
 *   link              2 words trace id, span id, i32 attributes as in word 10 | i32 0, attributes
 * ```
 * Ids lie as they are exported: most significant byte first. Names are numbered by each thread: a record gives a number's
 * text before its first use, and where the number is -1 the text follows instead. A span with members links to those of the
 * members' record before it: one batch step after the other has the same.
 */
export const RecordType = { name: 1, span: 2, members: 3 } as const;

export const HEADER_WORDS = 2;
/** A ring of 1 MiB holds some 6,000 slices: a hundred milliseconds of a thread that makes 60,000 a second. */
export const RING_WORDS = 1 << 17;
/** No record is longer: texts and lists that would make it so are cut. */
export const MAX_RECORD_WORDS = 1 << 13;
export const SPAN_HEAD_WORDS = 12;

/** Of a word that counts what is there and, above it, what there was no room for. */
export const COUNT_MASK = 0xffff;
export const DROPPED_SHIFT = 16;

export const Word = { written: 0, dropped: 1, read: 2, thread: 3 } as const;

export const FLAG_STATUS_MESSAGE = 1 << 8;
export const FLAG_TRACE_STATE = 1 << 9;
export const MEMBERS_SHIFT = 16;
/** So many spans refer to one record of members: an exporter that has missed it finds the next one. */
export const MAX_SPANS_OF_MEMBERS = 100;
export const MEMBER_WORDS = 3;

export const ValueType = { number: 0, boolean: 1, string: 2, numbers: 3, strings: 4, none: 5 } as const;

/** OpenTelemetry's limits of a span. */
export const MAX_EVENTS = 128;
export const MAX_LINKS = 128;
export const MAX_ATTRIBUTES = 128;
/** Characters of one text; longer ones are cut. */
export const MAX_TEXT = 1024;
/** Elements of one list; longer ones are cut. */
export const MAX_LIST = 1024;
/** Names that a thread numbers; further ones (somebody makes names of data) are spelled out each time. */
export const MAX_NAMES = 4096;

export function nextRecord(position: number, words: number, capacity: number): number {
  const next = (position + words) | 0;
  const inRing = position & (capacity - 1);
  // A record that ran into the tail: the next one begins at the front.
  return inRing + words >= capacity ? (position - inRing + capacity) | 0 : next;
}
