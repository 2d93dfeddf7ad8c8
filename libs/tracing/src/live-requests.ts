import type { RequestTrace } from './request-trace.js';

/** A request that is never finished must not hold memory for ever: past this the oldest is closed. */
const MAX_LIVE_REQUESTS = 65_536;
/** A power of two. */
const BUCKETS = 4096;

interface Entry {
  rid: string;
  trace: RequestTrace | null;
  /** In its bucket, or among the free ones. */
  next: Entry | null;
  older: Entry | null;
  newer: Entry | null;
}

// A `Map` whose keys come and go takes 250 ns a request, most of it to make room for new ones.
const buckets = new Array<Entry | null>(BUCKETS).fill(null);
let free: Entry | null = null;
let oldest: Entry | null = null;
let newest: Entry | null = null;
let count = 0;

/** Requests that are traced on this JavaScript thread now. */
export function liveRequests(): number {
  return count;
}

/** The live trace of a request in this JavaScript thread, the last one opened; null if there is none. */
export function liveRequest(rid: string): RequestTrace | null {
  return find(rid, bucketOf(rid))?.trace ?? null;
}

export function enlist(rid: string, trace: RequestTrace): RequestTrace {
  const bucket = bucketOf(rid);
  const known = find(rid, bucket);
  // One that has it already is no longer the oldest.
  if (known !== null) remove(known, bucket);
  add(rid, trace, bucket);
  if (count > MAX_LIVE_REQUESTS) abortOldest('forgotten: too many live requests');
  return trace;
}

/** Ends all of them as failed. */
export function abortRequests(reason: string): void {
  while (count > 0) abortOldest(reason);
}

export function forget(rid: string, ended: RequestTrace): void {
  const bucket = bucketOf(rid);
  const entry = find(rid, bucket);
  if (entry !== null && entry.trace === ended) remove(entry, bucket);
}

function abortOldest(reason: string): void {
  const { rid, trace } = oldest!;
  remove(oldest!, bucketOf(rid));
  trace!.abort(reason);
}

/** Ids are random, so a few of their characters tell them apart. */
function bucketOf(rid: string): number {
  let hash = 0;
  const from = rid.length > 4 ? rid.length - 4 : 0;
  for (let i = from; i < rid.length; i++) hash = hash * 31 + rid.charCodeAt(i);
  return hash & (BUCKETS - 1);
}

function find(rid: string, bucket: number): Entry | null {
  let entry = buckets[bucket]!;
  while (entry !== null && entry.rid !== rid) entry = entry.next!;
  return entry;
}

function add(rid: string, trace: RequestTrace, bucket: number): void {
  const entry = free ?? { rid, trace, next: null, older: null, newer: null };
  free = free === null ? null : free.next;
  entry.rid = rid;
  entry.trace = trace;
  entry.next = buckets[bucket]!;
  buckets[bucket] = entry;
  entry.older = newest;
  if (newest === null) oldest = entry;
  else newest.newer = entry;
  newest = entry;
  count++;
}

function remove(entry: Entry, bucket: number): void {
  if (buckets[bucket] === entry) buckets[bucket] = entry.next;
  else {
    let before = buckets[bucket]!;
    while (before.next !== entry) before = before.next!;
    before.next = entry.next;
  }
  if (entry.older === null) oldest = entry.newer;
  else entry.older.newer = entry.newer;
  if (entry.newer === null) newest = entry.older;
  else entry.newer.older = entry.older;
  entry.rid = '';
  entry.trace = entry.older = entry.newer = null;
  entry.next = free;
  free = entry;
  count--;
}
