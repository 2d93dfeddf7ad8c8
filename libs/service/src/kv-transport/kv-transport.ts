import type { Bootstrap, FailureCode, FirstToken, WorkerId } from '@sliceway/protocol';

export type { FirstToken } from '@sliceway/protocol';

/** Layers [from, to) of tokens [from, to) of a prompt; tokens begin on a page. */
export interface KvSegment {
  readonly layerFrom: number;
  readonly layerTo: number;
  readonly tokenFrom: number;
  readonly tokenTo: number;
}

export interface KvTransferId {
  readonly rid: string;
  readonly choice: number;
  readonly attempt: number;
  readonly room: string;
  /** Decode for a sender, prefill for a receiver. */
  readonly peer: WorkerId;
}

export interface KvSource {
  /**
   * A segment's page blocks, layer by layer, page by page, not copied; undefined when the request is gone. Asked again
   * for what has to be sent again, until the transfer ends. What it throws fails the transfer.
   */
  read(segment: KvSegment): readonly Uint8Array[] | undefined;
}

export interface KvSink {
  /** Takes the page blocks before it returns. What it throws fails the transfer. @returns false when the request is gone */
  write(segment: KvSegment, payload: Uint8Array): boolean;
}

export interface SenderEvents {
  /** Decode has reserved its pages, and takes this KV: computing may begin. */
  onOpen(): void;
  /** Decode has all of it; the transfer is over. */
  onDone(): void;
  /** The transfer is over: bootstrap_timeout, kv_format_mismatch, kv_timeout, engine_error. */
  onFailed(code: FailureCode, message: string): void;
}

export interface ReceiverEvents {
  /** All of it was written; the transfer is over. */
  onComplete(firstTokens: readonly FirstToken[]): void;
  /** The transfer is over: bootstrap_timeout, kv_timeout, kv_corrupt, bad_message, engine_error. */
  onFailed(code: FailureCode, message: string): void;
}

export interface KvSender {
  /** Bytes pushed, and bytes that left at least once. */
  readonly bytesQueued: number;
  readonly bytesSent: number;
  /** Frames that left, repeated ones too. */
  readonly framesSent: number;
  /** Frames with KV that left at least once. */
  readonly chunksSent: number;
  /** Whether decode has said of any frame that it has it. */
  readonly isAcknowledged: boolean;
  /** This part is final and may be read from now until the end of the transfer. */
  push(segment: KvSegment): void;
  /** Nothing more is pushed; the last frame carries the first tokens, one a choice. */
  finish(firstTokens: readonly FirstToken[]): void;
  /** Gives up without a word; no event comes any more. */
  close(): void;
}

export interface KvAnnouncement {
  close(): void;
}

export interface KvReceiver {
  readonly bytesReceived: number;
  /** As a sender's. */
  close(): void;
}

/** What a transport did since its start. */
export interface KvTotals {
  bytesSent: number;
  framesSent: number;
  /** Of those, sent before. */
  framesResent: number;
  bytesReceived: number;
  framesReceived: number;
  /** Of those, with a checksum that does not hold. */
  framesDamaged: number;
  /** Of those, taken before. */
  framesDuplicate: number;
  /** Frames and credits of no open transfer: of an older attempt, or of one that has ended. */
  framesUnknown: number;
}

/** A transfer that is whole. */
export interface WholeTransfer {
  readonly rid: string;
  readonly bytes: number;
  /** From its first KV, ready or come, to its end. */
  readonly durationMs: number;
  /** Share of that time in which the prompt was still computed; null at decode's end, which does not see it. */
  readonly overlap: number | null;
}

/** All that an app knows of how KV gets from prefill to decode. Events never come from within a call. */
export interface KvTransport {
  readonly name: string;
  /** Transfers that have not ended. */
  readonly open: number;
  readonly totals: Readonly<KvTotals>;
  /** Told of each transfer that has become whole, before its owner is. */
  onWhole?: ((transfer: WholeTransfer) => void) | undefined;
  openSender(id: KvTransferId, source: KvSource, events: SenderEvents): KvSender;
  /** Decode: tells prefill, until closed, that the request is here and waits for pages. */
  announce(id: KvTransferId): KvAnnouncement;
  openReceiver(id: KvTransferId, sink: KvSink, events: ReceiverEvents): KvReceiver;
  /** Prefill: a bootstrap came, perhaps before its leg. */
  accept(bootstrap: Bootstrap): void;
  /** Closes every transfer. */
  close(): void;
}
