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
import { SliceName, type RequestTrace } from '@sliceway/tracing';

/** What a prompt goes through here: bootstrap, forward, first tokens, transfer of its KV. */
export class PrefillLegs implements EngineListener {
  readonly #senders = new Map<string, KvSender>();
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
    this.#legs = new LegTable(
      failures,
      {
        release: ({ id }) => {
          this.#senders.get(id)?.close();
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

  get dropped(): Readonly<Record<LegDropReason, number>> {
    return this.#legs.dropped;
  }

  /** Waits for decode's bootstrap before it computes: a prompt whose KV has no place to go would hold pages here. */
  accept(leg: PrefillLeg, trace: RequestTrace): void {
    const open = this.#legs.open(leg, trace);
    if (!open) return;
    const { id } = open;
    this.#bootstrapping.add(id);
    trace.sliceStart(SliceName.prefillBootstrap);
    const sender = this.transport.openSender(
      { rid: leg.rid, choice: leg.choice, attempt: leg.attempt, room: leg.room, peer: leg.decode },
      { read: (segment) => this.engine.exportKv(id, segment) },
      {
        onOpen: () => this.#compute(id),
        onDone: () => this.#finish(id),
        onFailed: (code, message) => this.#legs.fail(id, code, message),
      },
    );
    if (this.#legs.get(id)) this.#senders.set(id, sender);
    else sender.close();
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
    this.#senders.get(id)?.push(segment);
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
    for (const [id, events] of byLeg) {
      const trace = this.#legs.get(id)?.trace;
      trace?.sliceEnd(SliceName.prefillForward);
      trace?.sliceStart(SliceName.prefillTransferKvCache);
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
    open.trace.sliceEnd(SliceName.prefillBootstrap);
    open.trace.sliceStart(SliceName.prefillForward);
    const { promptIds, sampling, choice, choices } = open.leg;
    try {
      this.engine.submit({ id, kind: SequenceKind.PREFILL, promptIds, sampling, firstChoice: choice, choices });
    } catch (error) {
      this.onFailure(id, error as Error);
    }
  }

  #finish(id: string): void {
    this.#legs.get(id)?.trace.sliceEnd(SliceName.prefillTransferKvCache);
    this.#legs.finish(id);
  }
}
