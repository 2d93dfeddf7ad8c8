import {
  SequenceKind,
  type EngineListener,
  type EngineWorker,
  type KvSegment,
  type StepOutput,
  type TokenEvent,
} from '@sliceway/engine';
import { FailureCode, type Abort, type PrefillLeg, type TokenEntry } from '@sliceway/protocol';
import {
  failureCodeOf,
  LegTable,
  tokenEntryOf,
  wireFinish,
  type FailureReporter,
  type FramePublisher,
  type KvSender,
  type KvTransport,
  type LegDropReason,
  type LegLimits,
} from '@sliceway/service';
import type { RequestTrace } from '@sliceway/tracing';
import { EngineTracer } from '@sliceway/tracing/engine';
import { PrefillTrace } from './prefill-trace.js';

/** What a prompt goes through here: bootstrap, forward, first tokens, transfer of its KV. */
export class PrefillLegs implements EngineListener {
  readonly #senders = new Map<string, KvSender>();
  readonly #traces = new Map<string, PrefillTrace>();
  readonly #tracer = new EngineTracer();
  /** Legs whose decode has reserved no pages yet. */
  readonly #bootstrapping = new Set<string>();
  readonly #legs: LegTable<PrefillLeg>;

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
          const sender = this.#senders.get(id);
          this.#traces.get(id)?.end(id, reason, sender);
          this.#traces.delete(id);
          sender?.close();
          this.#senders.delete(id);
          this.#bootstrapping.delete(id);
          this.engine.abort(id);
        },
        // Choices share the prompt and its transfer; decode leaves out the one that is not wanted.
        dropChoice: () => {},
      },
      limits,
    );
  }

  get active(): number {
    return this.#legs.size;
  }

  /** Requests that the engine does not know of yet. */
  get waiting(): number {
    return this.#bootstrapping.size;
  }

  /** Whether it is to be accepted; one that is here, or over, has no trace of its own. */
  takes(leg: PrefillLeg): boolean {
    return this.#legs.takes(leg);
  }

  get dropped(): Readonly<Record<LegDropReason, number>> {
    return this.#legs.dropped;
  }

  /**
   * Waits for decode's bootstrap before it computes: a prompt whose KV has no place to go would hold pages here.
   * @param trace has `prefill_prepare` open
   */
  accept(leg: PrefillLeg, trace: RequestTrace): void {
    const open = this.#legs.open(leg, trace);
    if (!open) return;
    const { id } = open;
    this.#bootstrapping.add(id);
    const slices = new PrefillTrace(trace, leg, this.#tracer);
    this.#traces.set(id, slices);
    const sender = this.transport.openSender(
      { rid: leg.rid, choice: leg.choice, attempt: leg.attempt, room: leg.room, peer: leg.decode },
      { read: (segment) => this.engine.exportKv(id, segment) },
      {
        onOpen: () => this.#compute(id),
        onDone: () => this.#legs.finish(id),
        onFailed: (code, message) => this.#legs.fail(id, code, message),
      },
    );
    if (!this.#legs.get(id)) return sender.close();
    this.#senders.set(id, sender);
    slices.prepared();
  }

  abort(abort: Abort): void {
    this.#legs.abort(abort);
  }

  /** The service ends; gateways are told of what is left. */
  failAll(): void {
    this.#legs.failAll(FailureCode.draining, 'the worker has ended');
  }

  dropPeer(instance: string): void {
    this.#legs.dropPeer(instance, (leg) => leg.decode);
  }

  onKvReady(id: string, segment: KvSegment): void {
    const sender = this.#senders.get(id);
    if (!sender) return;
    this.#traces.get(id)?.kvReady(id);
    sender.push(segment);
  }

  /** First tokens leave for the tokenizer before the last KV frame does. */
  onStep({ tokens }: StepOutput): void {
    const byLeg = new Map<string, TokenEvent[]>();
    for (const event of tokens) {
      const open = this.#legs.get(event.id);
      if (!open) continue;
      this.tokens.add(open.leg.tokenizer, tokenEntryOf(open.leg, event));
      byLeg.set(event.id, [...(byLeg.get(event.id) ?? []), event]);
    }
    this.tokens.flush();
    this.#tracer.tokensLeft(tokens);
    for (const [id, events] of byLeg) {
      this.#senders.get(id)?.finish(events.map(({ token, finish }) => ({ token, finish: wireFinish(finish) })));
    }
  }

  onFailure(id: string, error: Error): void {
    this.#legs.fail(id, failureCodeOf(error), error.message);
  }

  #compute(id: string): void {
    const open = this.#legs.get(id);
    if (!open) return;
    this.#bootstrapping.delete(id);
    const slices = this.#traces.get(id);
    slices?.bootstrapped();
    const { promptIds, sampling, choice, choices } = open.leg;
    try {
      this.engine.submit({ id, kind: SequenceKind.PREFILL, promptIds, sampling, firstChoice: choice, choices });
    } catch (error) {
      return this.onFailure(id, error as Error);
    }
    slices?.queued(this.engine, id);
  }
}
