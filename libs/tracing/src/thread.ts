import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { AttributeName } from './names.js';
import type { TraceAttributes } from './request-trace.js';

export interface ThreadOptions {
  /** What runs here, such as `scheduler` or `kv_sender`. */
  readonly label: string;
  readonly tpRank?: number;
  readonly dpRank?: number;
  readonly ppRank?: number;
}

/** One line of execution in the trace: an event loop, a worker thread, or a sender of its own on either. */
export interface TraceThread extends ThreadOptions {
  /** Of a request's visit to it: `{label} [TP n] [DP n] [PP n] (host:xxxxxxxx | pid:n)`. */
  readonly spanName: string;
  readonly attributes: TraceAttributes;
}

let first: TraceThread | undefined;

/**
 * Names a line of execution. The first one of a JavaScript thread is what its requests run on unless they say otherwise
 * (`thread` in `startRequest` and `resumeRequest`).
 */
export function registerThread(options: ThreadOptions): TraceThread {
  const { label, tpRank, dpRank, ppRank } = options;
  const ranks = Object.entries({ TP: tpRank, DP: dpRank, PP: ppRank }).filter(([, rank]) => rank !== undefined);
  const names = ranks.map(([kind, rank]) => ` [${kind} ${rank}]`).join('');
  const thread: TraceThread = Object.freeze({
    ...options,
    spanName: `${label}${names} (host:${hostId()} | pid:${process.pid})`,
    attributes: Object.freeze({
      [AttributeName.threadLabel]: label,
      ...(tpRank === undefined ? {} : { [AttributeName.tpRank]: tpRank }),
      ...(dpRank === undefined ? {} : { [AttributeName.dpRank]: dpRank }),
      ...(ppRank === undefined ? {} : { [AttributeName.ppRank]: ppRank }),
      [AttributeName.hostId]: hostId(),
      [AttributeName.pid]: process.pid,
    }),
  });
  first ??= thread;
  return thread;
}

/** The first thread registered on this JavaScript thread; one labelled `main` when there is none. */
export function defaultThread(): TraceThread {
  return first ?? registerThread({ label: 'main' });
}

let host: string | undefined;

/** 8 hex characters, the same for all that share this host's monotonic clock: containers too, and until it boots again. */
export function hostId(): string {
  return (host ??= createHash('sha256').update(bootId()).digest('hex').slice(0, 8));
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  } catch {
    return hostname();
  }
}
