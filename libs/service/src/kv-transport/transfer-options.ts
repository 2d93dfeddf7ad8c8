import type { KvFormat } from '@sliceway/protocol';

export interface TransferOptions {
  readonly instance: string;
  readonly kvFormat: KvFormat;
  /** Bytes of one layer's block of one page. */
  readonly pageBlockBytes: number;
  /** Frames that may be on their way. */
  readonly window: number;
  /** A transfer fails after this long without a word from its peer. */
  readonly timeoutMs: number;
  /** A sender fails after this long without a bootstrap. */
  readonly bootstrapTimeoutMs: number;
  /** Who waits for its peer asks again after this long. */
  readonly probeMs: number;
}

export const PROBE_MS = 1000;
/** Times that one frame is asked for again because it was damaged or lost. */
export const MAX_RESENDS = 3;
