import { AttributeName, EventName, SliceName } from '../names.js';
import { NULL_TRACE } from '../null-trace.js';
import { SharedControl } from '../recording/shared-control.js';
import type { RequestTrace, TraceAttributes } from '../request-trace.js';
import type { SpanRef } from '../span-ids.js';
import type { TraceThread } from '../thread.js';
import { TraceLevel, TraceModule } from '../trace-level.js';
import { InterTokenTimes } from './inter-token-times.js';
import type { ObservedRun } from './observed-engine.js';
import type { Stages } from './stages.js';

/** `schedule` events of one `decode_forward`. */
const MAX_SCHEDULES = 32;
const control = SharedControl.ofProcess();

/** The steps of a batch that stays the same, for all that is in it. */
export interface Steps {
  /** `bid` of the last one. */
  last: number;
}

/** What all members of a forward have in common. */
export interface Step {
  readonly bid: number;
  readonly scheduledTs: number;
  /** It has other members than the forward before. */
  readonly isNewBatch: boolean;
  /** Of the `schedule` event. */
  readonly attributes: TraceAttributes;
  readonly steps: Steps;
}

/** A prompt, or one choice of its continuation, on its visit to the engine: from the first forward it is in to its last token. */
export abstract class ForwardTrace {
  /** That of the visit, from the first forward on; of none where the module `engine` is not traced. */
  trace: RequestTrace = NULL_TRACE;
  isEnded = false;
  protected startTs = 0;
  #isScheduled = false;

  protected constructor(
    private readonly name: SliceName,
    /** Where it waits until then. */
    protected readonly waiting: Stages,
    private readonly thread: TraceThread,
    private readonly choice: number | null,
    private readonly after: ForwardTrace | null,
  ) {}

  /** It records each step that it is in. */
  abstract get hasDetails(): boolean;

  schedule(step: Step, run: ObservedRun): void {
    const isFirst = !this.#isScheduled;
    if (isFirst) this.#begin(step.scheduledTs);
    this.onSchedule(step, run, isFirst);
  }

  retract(ts: number): void {
    (this.#isScheduled ? this.trace : this.waiting.trace).event(EventName.retract, undefined, { ts });
  }

  /** Its tokens have left, or it was given up. @param reason of an end as an error */
  end(ts: number, reason: string | null): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (!this.#isScheduled) return;
    if (reason === null) {
      this.trace.sliceEnd(this.name, { ts, attributes: this.attributes() });
      this.trace.finish({ ts });
    } else {
      this.trace.setSliceAttributes(this.attributes());
      this.trace.abort(reason, { ts });
    }
  }

  /** Its forward was computed: a nested slice at the level of all. */
  abstract forwarded(
    run: ObservedRun,
    scheduledTs: number,
    startTs: number,
    endTs: number,
    batch: SpanRef | null,
  ): void;
  protected abstract onSchedule(step: Step, run: ObservedRun, isFirst: boolean): void;
  protected abstract attributes(): TraceAttributes;

  #begin(ts: number): void {
    this.#isScheduled = true;
    this.startTs = ts;
    const { waiting, thread, choice, after } = this;
    waiting.end(ts);
    if (!control.hasModule(TraceModule.engine)) return;
    const place = after === null ? { thread, ts } : { thread, ts, after: after.trace };
    this.trace = waiting.trace.visit(choice === null ? place : { ...place, choice });
    this.trace.sliceStart(this.name, { ts });
  }
}

export class PrefillForward extends ForwardTrace {
  #cachedTokens = 0;

  constructor(
    waiting: Stages,
    thread: TraceThread,
    private readonly promptTokens: number,
  ) {
    super(SliceName.prefillForward, waiting, thread, null, null);
  }

  /** Each has its `schedule` event. */
  get hasDetails(): boolean {
    return true;
  }

  forwarded(
    { tokens }: ObservedRun,
    _scheduledTs: number,
    startTs: number,
    endTs: number,
    batch: SpanRef | null,
  ): void {
    if (this.trace.level < TraceLevel.all) return;
    const attributes = { [AttributeName.tokens]: tokens };
    this.trace.slice(SliceName.chunkedPrefill, startTs, endTs, { batch, attributes });
  }

  protected onSchedule({ scheduledTs, attributes }: Step, { position }: ObservedRun, isFirst: boolean): void {
    if (isFirst) this.#cachedTokens = position;
    this.trace.event(EventName.schedule, attributes, { ts: scheduledTs });
  }

  protected attributes(): TraceAttributes {
    return { [AttributeName.tokens]: this.promptTokens, [AttributeName.cachedTokens]: this.#cachedTokens };
  }
}

export class DecodeForward extends ForwardTrace {
  #tokens = 0;
  #firstStep = 0;
  #steps: Steps | undefined;
  #schedules = 0;
  #times: InterTokenTimes | undefined;

  constructor(waiting: Stages, thread: TraceThread, choice: number, after: ForwardTrace | null) {
    super(SliceName.decodeForward, waiting, thread, choice, after);
  }

  get hasDetails(): boolean {
    return this.trace.level === TraceLevel.all;
  }

  tokenLeft(ts: number): void {
    this.#tokens++;
    this.#times?.add(ts);
  }

  /** From its scheduling to the forward's end: `schedule` is in it, and the batch step has the forward's own times. */
  forwarded(_: ObservedRun, scheduledTs: number, _startTs: number, endTs: number, batch: SpanRef | null): void {
    if (this.trace.level < TraceLevel.all) return;
    this.trace.slice(SliceName.decodeLoop, scheduledTs, endTs, { batch });
  }

  protected onSchedule(
    { bid, scheduledTs, isNewBatch, attributes, steps }: Step,
    _: ObservedRun,
    isFirst: boolean,
  ): void {
    this.#steps = steps;
    if (isFirst) {
      this.#firstStep = bid;
      this.#times = new InterTokenTimes(scheduledTs);
    }
    if (!this.hasDetails && !isFirst && !isNewBatch) return;
    if (this.hasDetails || this.#schedules++ < MAX_SCHEDULES) {
      this.trace.event(EventName.schedule, attributes, { ts: scheduledTs });
    }
  }

  protected attributes(): TraceAttributes {
    const times = this.#times?.end() ?? [];
    const stride = this.#times?.stride ?? 1;
    const omitted = this.#schedules - MAX_SCHEDULES;
    return {
      [AttributeName.tokens]: this.#tokens,
      [AttributeName.firstStep]: this.#firstStep,
      [AttributeName.lastStep]: this.#steps?.last ?? 0,
      [AttributeName.interTokenTimes]: times,
      ...(stride > 1 ? { [AttributeName.interTokenStride]: stride } : {}),
      ...(omitted > 0 ? { [AttributeName.schedulesOmitted]: omitted } : {}),
    };
  }
}
