import type { EngineWorker } from '@sliceway/engine';
import type { DecodeLeg } from '@sliceway/protocol';
import { setQueueAttributes, transferAttributes, type KvReceiver } from '@sliceway/service';
import { kvSpanIds, LinkKind, now, SliceName, type RequestTrace } from '@sliceway/tracing';
import { Stages, type EngineTracer } from '@sliceway/tracing/engine';

/** The slices of one leg on its way through decode: on the scheduler's thread, and of each choice on the engine's. */
export class DecodeTrace {
  readonly #stages: Stages;
  #chunks = 0;
  #transferTs = 0;

  /** @param trace has `decode_prepare` open */
  constructor(
    private readonly trace: RequestTrace,
    private readonly leg: DecodeLeg,
    private readonly tracer: EngineTracer,
  ) {
    this.#stages = new Stages(trace, SliceName.decodePrepare);
  }

  /** Pages are asked for, and perhaps waited for. */
  queued(engine: EngineWorker, id: string): void {
    setQueueAttributes(this.trace, engine, id);
  }

  /** Pages are reserved; prefill is about to hear of it. */
  reserved(): void {
    this.#stages.next(SliceName.decodeBootstrap, now());
  }

  /** A chunk of KV came. Only now is it sure that prefill's slice of the transfer exists. */
  received(): void {
    if (this.#chunks++ > 0) return;
    const { prefill, decode } = kvSpanIds(this.leg.room);
    this.#stages.next(SliceName.decodeTransferred, (this.#transferTs = now()), decode);
    this.trace.link(LinkKind.kv, { spanId: prefill });
  }

  /** The KV is whole. @param ended choices whose first token was their last @param goesOn whether others go on */
  transferred(receiver: KvReceiver | undefined, ended: readonly number[], goesOn: boolean): void {
    const ts = now();
    this.#describe(receiver, ts);
    for (const choice of ended) this.tracer.quickFinish(this.trace, choice, ts);
    if (goesOn) this.#stages.next(SliceName.decodeWaiting, ts);
    else this.#stages.end(ts);
  }

  /** The engine decodes these choices. */
  started(engine: EngineWorker, id: string, choices: readonly number[]): void {
    if (choices.length === 0) return;
    setQueueAttributes(this.trace, engine, id);
    this.tracer.watchChoices(id, this.#stages, choices);
  }

  /** The leg is over: to be called before its trace is. @param reason of an end as an error */
  end(id: string, reason: string | null, receiver: KvReceiver | undefined): void {
    this.tracer.end(id, reason);
    const ts = now();
    this.#describe(receiver, ts);
    if (reason === null) this.#stages.end(ts);
  }

  #describe(receiver: KvReceiver | undefined, ts: number): void {
    if (!receiver || this.#stages.current !== SliceName.decodeTransferred) return;
    this.trace.setSliceAttributes(transferAttributes(receiver.bytesReceived, this.#chunks, ts - this.#transferTs));
  }
}
