import type { EngineWorker } from '@sliceway/engine';
import type { PrefillLeg } from '@sliceway/protocol';
import { setQueueAttributes, transferAttributes, type KvSender } from '@sliceway/service';
import {
  kvSpanIds,
  LinkKind,
  now,
  registerThread,
  SliceName,
  TraceLevel,
  type RequestTrace,
  type TraceThread,
} from '@sliceway/tracing';
import { Stages, type EngineTracer } from '@sliceway/tracing/engine';

let kvSender: TraceThread | undefined;

/** The slices of one leg on its way through prefill: on the scheduler's thread, the engine's and the KV sender's. */
export class PrefillTrace {
  readonly #stages: Stages;
  #sending: RequestTrace | null = null;
  #sendingTs = 0;

  /** @param trace has `prefill_prepare` open */
  constructor(
    private readonly trace: RequestTrace,
    private readonly leg: PrefillLeg,
    private readonly tracer: EngineTracer,
  ) {
    this.#stages = new Stages(trace, SliceName.prefillPrepare);
  }

  /** All is ready here; decode's pages are not. */
  prepared(): void {
    this.#stages.next(SliceName.prefillBootstrap, now());
  }

  bootstrapped(): void {
    this.#stages.next(SliceName.prefillWaiting, now());
  }

  /** The engine has the prompt. */
  queued(engine: EngineWorker, id: string): void {
    setQueueAttributes(this.trace, engine, id);
    this.tracer.watchPrompt(id, this.#stages, this.leg.promptIds.length);
  }

  /** A chunk's KV is about to be sent. */
  kvReady(id: string): void {
    if (this.#sending !== null || this.trace.level === TraceLevel.off) return;
    const ts = (this.#sendingTs = now());
    const thread = (kvSender ??= registerThread({ label: 'kv_sender' }));
    const after = this.tracer.promptTrace(id);
    this.#sending = this.trace.visit({ thread, ts, ...(after === null ? {} : { after }) });
    this.#sending.sliceStart(SliceName.prefillTransferKvCache, { ts, spanId: kvSpanIds(this.leg.room).prefill });
  }

  /** The leg is over: to be called before its trace is. @param reason of an end as an error */
  end(id: string, reason: string | null, sender: KvSender | undefined): void {
    this.tracer.end(id, reason);
    const ts = now();
    if (this.#sending !== null && sender) this.#describe(this.#sending, sender, ts);
    if (reason !== null) return;
    this.#sending?.sliceEnd(SliceName.prefillTransferKvCache, { ts, threadFinish: true });
    this.#sending?.finish({ ts });
    this.#stages.end(ts);
  }

  #describe(sending: RequestTrace, sender: KvSender, ts: number): void {
    sending.setSliceAttributes(transferAttributes(sender.bytesSent, sender.chunksSent, ts - this.#sendingTs));
    if (sender.isAcknowledged) sending.link(LinkKind.kv, { spanId: kvSpanIds(this.leg.room).decode });
  }
}
