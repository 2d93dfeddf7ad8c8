import {
  AbortReason,
  AttemptFence,
  FailureCode,
  type Abort,
  type DecodeLeg,
  type PrefillLeg,
} from '@sliceway/protocol';
import type { RequestTrace } from '@sliceway/tracing';
import type { FailureReporter } from '../failure-reporter.js';

export interface OpenLeg<L> {
  readonly id: string;
  readonly leg: L;
  readonly trace: RequestTrace;
  /** Its choices without those that were aborted before it came. */
  readonly wanted: readonly number[];
}

interface Entry<L> extends OpenLeg<L> {
  readonly deadline: NodeJS.Timeout | undefined;
}

export interface LegEvents<L> {
  /** Frees what the leg holds; called once, whatever ended it. @param reason null when it did what it was for */
  release(open: OpenLeg<L>, reason: string | null): void;
  /** One of several choices is given up; the leg goes on for the others. @param reason as of `release` */
  dropChoice(open: OpenLeg<L>, choice: number, reason: string | null): void;
}

export interface LegLimits {
  /** Legs that may be open; one more is refused. */
  readonly maxOpen: number;
  /** The service takes no new work: a leg that comes is refused. */
  readonly isEnding: () => boolean;
}

/** Why a leg that came was dropped without a word: its attempt is over or was here before. */
export type LegDropReason = 'stale' | 'aborted' | 'duplicate';

/** The legs on a worker, each open from its arrival to exactly one end. */
export class LegTable<L extends PrefillLeg | DecodeLeg> {
  readonly #legs = new Map<string, Entry<L>>();
  readonly dropped: Record<LegDropReason, number> = { stale: 0, aborted: 0, duplicate: 0 };
  readonly #fence = new AttemptFence({ now: () => performance.now() });

  constructor(
    private readonly failures: FailureReporter,
    private readonly events: LegEvents<L>,
    private readonly limits: LegLimits,
  ) {}

  get size(): number {
    return this.#legs.size;
  }

  get(id: string): OpenLeg<L> | undefined {
    return this.#legs.get(id);
  }

  /** Whether `open` would not drop it, which counts as that. To be asked before it has a trace: that of the leg that is here stays. */
  takes(leg: L): boolean {
    return this.#wantedOrDropped(leg) !== undefined;
  }

  /**
   * Opens a leg and closes an older attempt of it, unless a newer attempt or an abort of all its choices came first, or it
   * is here already. One that cannot be served is refused: its gateway is told.
   */
  open(leg: L, trace: RequestTrace): OpenLeg<L> | undefined {
    const id = idOf(leg);
    const wanted = this.#wantedOrDropped(leg);
    if (!wanted) {
      trace.abort('dropped');
      return undefined;
    }
    for (const other of this.#legs.values()) {
      if (other.leg.rid === leg.rid && other.leg.choice === leg.choice) this.#close(other, 'superseded');
    }
    const refusal = this.#refusalOf(leg);
    if (refusal) {
      this.#report(leg, ...refusal);
      trace.abort(refusal[0]);
      return undefined;
    }
    const deadline = leg.deadlineMs > 0 ? this.#deadline(id, leg.deadlineMs) : undefined;
    const entry = { id, leg, trace, wanted, deadline };
    this.#legs.set(id, entry);
    return entry;
  }

  /** It did what it was for; or, with a reason, what was left of it was given up. */
  finish(id: string, reason: string | null = null): void {
    const entry = this.#legs.get(id);
    if (entry) this.#close(entry, reason);
  }

  /** It cannot go on: its gateway is told. */
  fail(id: string, code: FailureCode, message: string): void {
    const entry = this.#legs.get(id);
    if (!entry) return;
    this.#report(entry.leg, code, message);
    this.#close(entry, `${code}: ${message}`);
  }

  /** The service ends: what is still open cannot be finished. */
  failAll(code: FailureCode, message: string): void {
    for (const id of this.#legs.keys()) this.fail(id, code, message);
  }

  /** The gateway gives an attempt and all older ones up, perhaps before the leg has come. */
  abort({ rid, choice, attempt, reason }: Abort): void {
    this.#fence.abort(rid, choice, attempt);
    for (const entry of this.#legs.values()) {
      const { leg } = entry;
      if (leg.rid !== rid || leg.attempt > attempt) continue;
      // A stop string that the tokenizer found is as good an end as any.
      const why = reason === AbortReason.stopMatched ? null : reason;
      if (choice === null || (leg.choices === 1 && leg.choice === choice)) this.#close(entry, why);
      else if (choice >= leg.choice && choice < leg.choice + leg.choices) this.events.dropChoice(entry, choice, why);
    }
  }

  /** A process is gone: its requests have nobody to work for (gateway), or nobody to work with (`partnerOf`). */
  dropPeer(instance: string, partnerOf: (leg: L) => string): void {
    for (const entry of this.#legs.values()) {
      // It is told, too: one that was stopped may wake up and still wait for its requests.
      if (entry.leg.gateway === instance) this.fail(entry.id, FailureCode.workerLost, 'the gateway was gone');
      else if (partnerOf(entry.leg) === instance)
        this.fail(entry.id, FailureCode.workerLost, `worker ${instance} is gone`);
    }
  }

  /** Its choices that are wanted; undefined where it is dropped, and counted. */
  #wantedOrDropped(leg: L): readonly number[] | undefined {
    const choices = Array.from({ length: leg.choices }, (_, i) => leg.choice + i);
    const admissions = choices.map((choice) => this.#fence.admit(leg.rid, choice, leg.attempt));
    const wanted = choices.filter((_, i) => admissions[i] === 'ok');
    if (!this.#legs.has(idOf(leg)) && wanted.length > 0) return wanted;
    this.dropped[wanted.length > 0 ? 'duplicate' : (admissions[0] as LegDropReason)]++;
    return undefined;
  }

  #refusalOf({ deadlineMs }: L): [code: FailureCode, message: string] | undefined {
    const { maxOpen, isEnding } = this.limits;
    if (isEnding()) return [FailureCode.draining, 'the worker takes no new requests'];
    if (deadlineMs > 0 && deadlineMs <= Date.now()) return [FailureCode.deadline, 'it came after its deadline'];
    if (this.#legs.size >= maxOpen) return [FailureCode.queueFull, `${maxOpen} requests are here`];
    return undefined;
  }

  #report({ rid, attempt, gateway }: L, code: FailureCode, message: string): void {
    this.failures.report({ gateway, rid, attempt, choice: null }, code, message);
  }

  #deadline(id: string, deadlineMs: number): NodeJS.Timeout {
    const leftMs = Math.min(Math.max(deadlineMs - Date.now(), 0), 2 ** 31 - 1);
    return setTimeout(() => this.fail(id, FailureCode.deadline, 'the deadline has passed'), leftMs);
  }

  #close(entry: Entry<L>, reason: string | null): void {
    if (!this.#legs.delete(entry.id)) return;
    clearTimeout(entry.deadline);
    this.events.release(entry, reason);
    if (reason === null) entry.trace.finish();
    else entry.trace.abort(reason);
  }
}

function idOf({ rid, choice, attempt }: PrefillLeg | DecodeLeg): string {
  return `${rid}/${choice}/${attempt}`;
}
