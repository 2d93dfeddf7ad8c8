import type { KvFormat } from '@sliceway/protocol';
import type { KvTotals } from './kv-transport.js';

export interface TransferOptions {
  readonly instance: string;
  readonly kvFormat: KvFormat;
  /** Bytes of one layer's block of one page. */
  readonly pageBlockBytes: number;
  /** A transfer fails after this long without a word from its peer, or without a frame that is known to be missing. */
  readonly timeoutMs: number;
  /** Either end fails after this long without its partner's first word. */
  readonly bootstrapTimeoutMs: number;
  /** Who waits for its peer asks again after this long, or up to a half more. */
  readonly probeMs: number;
}

/** What both ends of a transfer need of the transport that carries it. */
export interface TransferWire {
  readonly transportName: string;
  readonly totals: KvTotals;
  /** Runs an event of the owner's after the current call, whatever it throws. */
  later(event: () => void): void;
  onClosed(): void;
}

export const PROBE_MS = 1000;
/** Times that one frame is asked for again because it came damaged. */
export const MAX_RESENDS = 3;
