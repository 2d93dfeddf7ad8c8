import type { KvFormat } from '../kv/kv-format.js';
import type { KvSegment } from '../kv/kv-memory.js';
import type { EngineObserver } from '../observer.js';
import type { QueueAhead } from '../scheduling/roster.js';
import type { SchedulerLoad } from '../scheduling/scheduler.js';
import type { SequenceRequest, TokenEvent } from '../scheduling/sequence.js';

export interface EngineInfo {
  readonly model: string;
  readonly backend: string;
  readonly fingerprint: string;
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
  readonly kvFormat: KvFormat;
  readonly kvPages: number;
  /** Bytes of one layer's block of one page. */
  readonly pageBlockBytes: number;
  readonly maxRunning: number;
}

export interface EngineLoad extends SchedulerLoad {
  readonly kvPagesUsed: number;
  readonly kvPagesTotal: number;
  /** Tensors alive in the backend after the last step. */
  readonly tensors: number;
}

/** The tokens of one step. */
export interface StepOutput {
  readonly bid: number;
  readonly tokens: readonly TokenEvent[];
}

/** What an engine tells its owner; each is called on the owner's thread, never from within a call to the engine. */
export interface EngineListener {
  onStep(output: StepOutput): void;
  /** Prefill: this part of a prompt's KV is final and may be exported. Segments of one request come in order. */
  onKvReady(id: string, segment: KvSegment): void;
  /** The request failed and is gone. */
  onFailure(id: string, error: Error): void;
  /** The engine is dead; every request has failed. */
  onDeath(error: Error): void;
}

/** All that an app knows of an engine. */
export interface EngineWorker {
  readonly info: EngineInfo;
  readonly load: EngineLoad;
  listener: EngineListener;
  observer: EngineObserver;

  /** What is served before a request that waits; it looks at every request, so not once a step. */
  aheadOf(id: string): QueueAhead;
  /** Queues a request (kinds generate and prefill). @throws EngineError queue_full, prompt_too_long, bad_message */
  submit(request: SequenceRequest): void;
  /** Decode: resolves when the prompt's pages are reserved, first come first served. Rejects (EngineError) when refused or aborted. */
  reserve(request: SequenceRequest): Promise<void>;
  /** Decode: fills reserved pages. @param bytes the segment's page blocks, layer by layer, page by page @returns false when the request is gone */
  importKv(id: string, segment: KvSegment, bytes: Uint8Array): boolean;
  /**
   * Decode: the KV is whole; the continuations go on from their first tokens.
   * @returns the choices that go on; the others ended with their first token, or have no room for another
   * @throws EngineError bad_message
   */
  start(id: string, firstTokens: readonly number[]): readonly number[];
  /** Prefill: views of a segment's page blocks, valid until `release`; undefined when the request is gone. */
  exportKv(id: string, segment: KvSegment): Uint8Array[] | undefined;
  /** Prefill: the KV has left; frees its pages. */
  release(id: string): void;
  /** Ends a request, or one choice of it, within one step. @returns whether it was here */
  abort(id: string, choice?: number): boolean;
  close(): Promise<void>;
}
