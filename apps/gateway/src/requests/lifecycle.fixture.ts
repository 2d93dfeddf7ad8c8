import { setImmediate } from 'node:timers/promises';
import {
  FinishReason,
  NEUTRAL_SAMPLING,
  type Abort,
  type DecodeLeg,
  type EncodeReply,
  type EncodeRequest,
  type Failed,
  type FailureCode,
  type PrefillLeg,
  type TextEntry,
  type WorkerRole,
} from '@sliceway/protocol';
import { NULL_TRACE } from '@sliceway/tracing';
import type { ApiError } from '../openai/api-error.js';
import type { ChoiceEnd, CompletionSink, TextPiece, Usage } from '../openai/completion-sink.js';
import { Router } from '../routing/router.js';
import { worker } from '../routing/worker.fixture.js';
import { Admission } from './admission.js';
import type { ClusterPort } from './cluster-port.js';
import type { GenerationRequest } from './generation-request.js';
import type { RequestLimits } from './lifecycle-parts.js';
import { RequestLifecycle } from './request-lifecycle.js';
import type { RequestEnd, RequestObserver, AttemptId } from './request-observer.js';

export const RID = '00112233445566778899aabbccddeeff';
export const GATEWAY = '000000aa';
export const TOKENIZER = '00000001';
export const PREFILL = '00000002';
export const DECODE = '00000003';
export const PROMPT_IDS = [1, 2, 3];

type Sent = readonly [receiver: string, instance: string, message: unknown];

const { maxNewTokens: _, ...sampling } = NEUTRAL_SAMPLING;

export const REQUEST: GenerationRequest = {
  model: 'm',
  prompt: { messages: [{ role: 'user', content: 'Hi' }] },
  withPromptText: false,
  choices: 1,
  sampling: { ...sampling, seed: 7 },
  seed: 7,
  maxTokens: null,
  stop: [],
};

/** Keeps what was sent; the test says when the prompt is encoded. */
export class HandFedCluster implements ClusterPort {
  readonly gateway = GATEWAY;
  readonly sent: Sent[] = [];
  /** Whether nats-server answers. */
  isBrokerThere = true;
  #settle: { resolve(reply: EncodeReply): void; reject(error: Error): void } | null = null;

  encode(tokenizer: string, request: EncodeRequest): Promise<EncodeReply> {
    this.sent.push(['encode', tokenizer, request]);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  prefill(prefill: string, leg: PrefillLeg): void {
    this.sent.push(['prefill', prefill, leg]);
  }

  decode(decode: string, leg: DecodeLeg): void {
    this.sent.push(['decode', decode, leg]);
  }

  abort(role: WorkerRole, instance: string, abort: Abort): void {
    this.sent.push([`abort ${role}`, instance, abort]);
  }

  flushed(): Promise<void> {
    return this.isBrokerThere ? Promise.resolve() : Promise.reject(new Error('nats-server is away'));
  }

  async encoded(promptIds: readonly number[] = PROMPT_IDS, text: string | null = null): Promise<void> {
    this.#settle?.resolve({ rid: RID, promptIds, text });
    await setImmediate();
  }

  async refused(code: string, message: string): Promise<void> {
    this.#settle?.resolve({ rid: RID, error: { code, message } });
    await setImmediate();
  }

  async unreachable(error: Error): Promise<void> {
    this.#settle?.reject(error);
    await setImmediate();
  }

  /** Who was sent such a message, in order. */
  receivers(receiver: string): string[] {
    return this.sent.filter(([name]) => name === receiver).map(([, instance]) => instance);
  }

  to(receiver: string): unknown[] {
    return this.sent.filter(([name]) => name === receiver).map(([, , message]) => message);
  }

  /** `decode 0 stop_matched` for every abort. */
  get aborts(): string[] {
    return this.sent
      .filter(([name]) => name.startsWith('abort '))
      .map(([name, , message]) => {
        const { choice, reason } = message as Abort;
        return `${name.slice('abort '.length)} ${choice ?? 'all'} ${reason}`;
      });
  }
}

/** Keeps what the client would get, as one line per call. */
export class RecordingSink implements CompletionSink {
  readonly calls: string[] = [];
  readonly pieces: TextPiece[] = [];
  error: ApiError | null = null;
  keepsUp = true;
  hasSent = false;

  /** @param isStreamed text leaves at once, not with the end */
  constructor(private readonly isStreamed = true) {}

  promptReady(promptIds: readonly number[], promptText: string | null): void {
    this.calls.push(`prompt ${promptIds.join(' ')}${promptText === null ? '' : `: ${promptText}`}`);
  }

  open(fingerprint: string): void {
    this.calls.push(`open ${fingerprint}`);
  }

  text(choice: number, piece: TextPiece): boolean {
    this.hasSent = this.isStreamed;
    this.pieces.push(piece);
    this.calls.push(`text ${choice} ${piece.text}`);
    return this.keepsUp;
  }

  finish(choice: number, end: ChoiceEnd, matchedStop: string | number | null): void {
    this.calls.push(`finish ${choice} ${end}${matchedStop === null ? '' : ` ${matchedStop}`}`);
  }

  end({ promptTokens, completionTokens }: Usage): void {
    this.calls.push(`end ${promptTokens} + ${completionTokens}`);
  }

  fail(error: ApiError): void {
    this.error = error;
    this.calls.push(`fail ${error.status} ${error.code}`);
  }

  drop(): void {
    this.calls.push('drop');
  }
}

export class RecordingObserver implements RequestObserver {
  readonly trace = NULL_TRACE;
  readonly stations: string[] = [];
  readonly ends: [RequestEnd, string | null][] = [];

  admitted(): void {
    this.stations.push('admitted');
  }

  tokenized(): void {
    this.stations.push('tokenized');
  }

  routed(): void {
    this.stations.push('routed');
  }

  dispatched(): void {
    this.stations.push('dispatched');
  }

  tokens(choice: number, count: number): void {
    this.stations.push(`tokens of ${choice}: ${count}`);
  }

  choiceEnded(): void {}

  retried({ number }: AttemptId, code: string | null): void {
    this.stations.push(`attempt ${number}: ${code}`);
  }

  ended(end: RequestEnd, _usage: Usage, reason: string | null): void {
    this.ends.push([end, reason]);
  }
}

export interface Setup {
  readonly request?: Partial<GenerationRequest>;
  readonly limits?: Partial<RequestLimits>;
  readonly isStreamed?: boolean;
}

/** A request on a cluster of one tokenizer, one prefill and one decode worker with a context of 100 tokens. */
export function setUp({ request = {}, limits = {}, isStreamed = true }: Setup = {}) {
  const cluster = new HandFedCluster();
  const sink = new RecordingSink(isStreamed);
  const observer = new RecordingObserver();
  const admission = new Admission({ maxConcurrent: 10, maxQueued: () => 10, maxQueuedTokens: () => 1000 });
  const ready = { tokenizer: [readyWorker(TOKENIZER)], prefill: [readyWorker(PREFILL)], decode: [readyWorker(DECODE)] };
  const router = new Router(
    { ready: (role) => ready[role] },
    { prefillPolicy: 'round_robin', decodePolicy: 'round_robin' },
  );
  let ended = 0;
  const lifecycle = new RequestLifecycle(
    {
      rid: RID,
      room: '0123456789abcdef',
      request: { ...REQUEST, ...request },
      sink,
      observer,
      ticket: admission.enter([{ promptTokens: 5, completionTokens: 10 }])[0]!,
      cluster,
      router,
      limits: { timeoutMs: 10_000, stallTimeoutMs: 10_000, ...limits },
    },
    () => {
      ended += 1;
    },
  );
  return { cluster, sink, observer, router, ready, lifecycle, admission, ends: () => ended };
}

export const readyWorker = (instance: string) => worker(instance, { contextLength: 100 });

/** What a worker says that gives an attempt up; decode's where the argument says nothing else. */
export function failed(code: FailureCode, over: Partial<Failed> = {}): Failed {
  const from = { role: 'decode', instance: DECODE } as const;
  return { rid: RID, choice: null, attempt: 0, code, message: 'why', from, ...over };
}

/** One entry of a text frame; the first token of choice 0 where the argument says nothing else. */
export function text(entry: Partial<TextEntry> = {}): TextEntry {
  return {
    rid: RID,
    choice: 0,
    attempt: 0,
    finish: FinishReason.none,
    index: 0,
    tokens: [10],
    text: 'a',
    matchedStop: null,
    logprobs: null,
    ...entry,
  };
}
