import { SequenceKind, type EngineListener, type EngineWorker, type StepOutput } from '@sliceway/engine';
import {
  FailureCode,
  FinishReason,
  type Abort,
  type DecodeLeg,
  type FirstToken,
  type TokenEntry,
} from '@sliceway/protocol';
import {
  failureCodeOf,
  LegTable,
  tokenEntryOf,
  type FailureReporter,
  type FramePublisher,
  type KvAnnouncement,
  type KvReceiver,
  type KvTransferId,
  type KvTransport,
  type LegDropReason,
  type LegLimits,
} from '@sliceway/service';
import type { RequestTrace } from '@sliceway/tracing';
import { EngineTracer } from '@sliceway/tracing/engine';
import { DecodeTrace } from './decode-trace.js';

interface Progress {
  /** What tells prefill of this request: one while it waits for pages, then the other. */
  announcement: KvAnnouncement | undefined;
  receiver: KvReceiver | undefined;
  readonly trace: DecodeTrace;
  /** The KV is whole: prefill is not needed any more, and choices are sequences of their own. */
  decoding: boolean;
  /** Choices that have not ended. */
  open: Set<number>;
}

/** What a request goes through here: pages reserved, KV received, decoded in the running batch, choice by choice. */
export class DecodeLegs implements EngineListener {
  readonly #progress = new Map<string, Progress>();
  readonly #tracer = new EngineTracer();
  readonly #legs: LegTable<DecodeLeg>;

  constructor(
    private readonly engine: EngineWorker,
    private readonly transport: KvTransport,
    private readonly tokens: FramePublisher<TokenEntry>,
    failures: FailureReporter,
    limits: LegLimits,
    readonly onDeath: (error: Error) => void,
  ) {
    engine.listener = this;
    engine.observer = this.#tracer;
    this.#legs = new LegTable(
      failures,
      {
        release: ({ id }, reason) => {
          const progress = this.#progress.get(id);
          progress?.trace.end(id, reason, progress.receiver);
          progress?.announcement?.close();
          progress?.receiver?.close();
          this.#progress.delete(id);
          this.engine.abort(id);
        },
        dropChoice: ({ id }, choice, reason) => {
          if (this.#progress.get(id)?.decoding) this.engine.abort(id, choice);
          this.#tracer.endChoice(id, choice, reason);
          this.#endChoice(id, choice, reason);
        },
      },
      limits,
    );
  }

  get active(): number {
    return this.#legs.size;
  }

  /** All that wait, wait in the engine. */
  readonly waiting = 0;

  /** Whether it is to be accepted; one that is here, or over, has no trace of its own. */
  takes(leg: DecodeLeg): boolean {
    return this.#legs.takes(leg);
  }

  get dropped(): Readonly<Record<LegDropReason, number>> {
    return this.#legs.dropped;
  }

  /** @param trace has `decode_prepare` open */
  accept(leg: DecodeLeg, trace: RequestTrace): void {
    const open = this.#legs.open(leg, trace);
    if (!open) return;
    const { promptIds, sampling, choice, choices } = leg;
    const slices = new DecodeTrace(trace, leg, this.#tracer);
    this.#progress.set(open.id, {
      trace: slices,
      announcement: this.transport.announce(transferOf(leg)),
      receiver: undefined,
      decoding: false,
      open: new Set(open.wanted),
    });
    this.engine
      .reserve({ id: open.id, kind: SequenceKind.DECODE, promptIds, sampling, firstChoice: choice, choices })
      .then(
        () => this.#receive(open.id),
        (error: unknown) => this.onFailure(open.id, error as Error),
      );
    slices.queued(this.engine, open.id);
  }

  abort(abort: Abort): void {
    this.#legs.abort(abort);
  }

  /** The service ends; gateways are told of what is left. */
  failAll(): void {
    this.#legs.failAll(FailureCode.draining, 'the worker has ended');
  }

  /** Prefill is needed until the KV is whole. */
  dropPeer(instance: string): void {
    this.#legs.dropPeer(instance, (leg) => (this.#isDecoding(leg) ? '' : leg.prefill));
  }

  onKvReady(): void {}

  onStep({ tokens }: StepOutput): void {
    for (const event of tokens) {
      const open = this.#legs.get(event.id);
      if (open) this.tokens.add(open.leg.tokenizer, tokenEntryOf(open.leg, event));
    }
    this.tokens.flush();
    this.#tracer.tokensLeft(tokens);
    for (const { id, choice, finish } of tokens) if (finish) this.#endChoice(id, choice);
  }

  onFailure(id: string, error: Error): void {
    this.#legs.fail(id, failureCodeOf(error), error.message);
  }

  #receive(id: string): void {
    const open = this.#legs.get(id);
    const progress = this.#progress.get(id);
    if (!open || !progress) return;
    progress.announcement?.close();
    progress.announcement = undefined;
    progress.trace.reserved();
    progress.receiver = this.transport.openReceiver(
      transferOf(open.leg),
      {
        write: (segment, payload) => {
          progress.trace.received();
          return this.engine.importKv(id, segment, payload);
        },
      },
      {
        onComplete: (firstTokens) => this.#start(id, firstTokens),
        onFailed: (code, message) => this.#legs.fail(id, code, message),
      },
    );
  }

  #start(id: string, firstTokens: readonly FirstToken[]): void {
    const open = this.#legs.get(id);
    const progress = this.#progress.get(id);
    if (!open || !progress) return;
    const { receiver, trace } = progress;
    progress.receiver = undefined;
    progress.decoding = true;
    const choices = [...progress.open];
    const ended = choices.filter((choice) => firstTokens[choice - open.leg.choice]?.finish);
    trace.transferred(receiver, ended, ended.length < choices.length);
    let running: readonly number[];
    try {
      const tokens = firstTokens.map(({ token }) => token);
      running = this.engine.start(id, tokens);
    } catch (error) {
      return this.onFailure(id, error as Error);
    }
    trace.started(
      this.engine,
      id,
      choices.filter((choice) => !ended.includes(choice)),
    );
    for (const [i, { finish }] of firstTokens.entries()) {
      const choice = open.leg.choice + i;
      if (finish !== FinishReason.none) this.#endChoice(id, choice);
      else if (!progress.open.has(choice)) this.engine.abort(id, choice);
      else if (!running.includes(choice)) {
        return this.#legs.fail(id, FailureCode.promptTooLong, 'this worker has no room for another token of it');
      }
    }
  }

  /** @param reason null when it is as it should be */
  #endChoice(id: string, choice: number, reason: string | null = null): void {
    const progress = this.#progress.get(id);
    if (!progress?.open.delete(choice) || progress.open.size > 0) return;
    this.#legs.finish(id, reason);
  }

  #isDecoding({ rid, choice, attempt }: DecodeLeg): boolean {
    return this.#progress.get(`${rid}/${choice}/${attempt}`)?.decoding ?? false;
  }
}

function transferOf({ rid, choice, attempt, room, prefill }: DecodeLeg): KvTransferId {
  return { rid, choice, attempt, room, peer: prefill };
}
