import {
  batchStep,
  eventBatch,
  injectMessage,
  LinkKind,
  now,
  registerThread,
  resumeRequest,
  sliceBatch,
  SliceName,
  startProcess,
  startSend,
  TraceLevel,
  type MessageDestination,
  type RequestTrace,
  type SliceEndOptions,
} from '@sliceway/tracing';
import { mulberry32 } from './mulberry32.js';

/** Names of slices and events: of level 2, 1 and 3 where a program does not say it. */
export const OWN = ['alpha', 'beta', 'gamma', SliceName.admission, SliceName.socketWrite] as const;
export const RID = 'ab'.repeat(16);
const MAX_VISITS = 6;
const LEVELS = [1, 2, 3] as const;

const engine = registerThread({ label: 'engine', tpRank: 0 });
const destination = (name: string): MessageDestination => ({ name, template: name, clientId: 'one' });

interface Visit {
  readonly trace: RequestTrace;
  readonly role: string;
  /** Names of slices that are open on it, as far as it was told the truth. */
  readonly open: string[];
  /** When something was last said of it: what has a time of its own comes later. */
  lastTs: number;
}

export interface TraceProgramOptions {
  readonly seed: number;
  /** What it is at work on may be aborted at any step: where the request is its own, not while other threads are at work on it. */
  readonly mayAbort: boolean;
  /** The same, of another attempt: only where the request is its own. */
  readonly mayRetry?: boolean;
}

/** Does with a request what services do, well or badly, one random thing a step. The same seed does the same. */
export class TraceProgram {
  /** Span ids of slices that were begun: in the end all of them are in the trace. */
  readonly begun = new Set<string>();
  readonly #random: () => number;
  readonly #visits: Visit[];
  readonly #mayAbort: boolean;
  readonly #mayRetry: boolean;
  #bid = 0;

  /** @param trace has had a slice, or was resumed from one that has: only the first slice of a request links to none */
  constructor(trace: RequestTrace, { seed, mayAbort, mayRetry = false }: TraceProgramOptions) {
    this.#random = mulberry32(seed);
    this.#visits = [{ trace, role: 'gateway', open: [], lastTs: now() }];
    this.#mayAbort = mayAbort;
    this.#mayRetry = mayRetry;
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#pick(this.#actions)(this.#pick(this.#visits), this.#pick(OWN));
  }

  /** Others end before the request does, as they do in a cluster. */
  finish(): void {
    for (const { trace } of this.#visits.reverse()) trace.finish();
  }

  /** As {@link finish}, but the request is aborted. */
  abort(): void {
    const [own] = this.#visits.splice(0, 1);
    this.finish();
    this.#abort(own!);
  }

  readonly #actions: readonly ((visit: Visit, name: string) => void)[] = [
    (visit, name) => this.#start(visit, name),
    (visit, name) => this.#start(visit, name),
    (visit) => this.#timed(visit, (ts) => visit.trace.sliceStart('', { ...ts, anonymous: true })),
    (visit, name) => this.#end(visit, visit.open.pop() ?? name, { attributes: { step: name } }),
    (visit, name) => this.#end(visit, visit.open.pop() ?? name, { autoNext: true }),
    (visit, name) => this.#end(visit, visit.open.pop() ?? name, { threadFinish: this.#random() < 0.2 }),
    // Under another name, or with nothing open.
    (visit, name) => this.#end(visit, name, this.#random() < 0.3 ? { autoNext: true } : {}),
    (visit, name) => {
      const startTs = visit.lastTs;
      visit.trace.slice(name, startTs, this.#since(visit), { level: this.#pick(LEVELS), attributes: { past: true } });
    },
    (visit, name) =>
      this.#timed(visit, (ts) => visit.trace.event(name, { at: 1 }, { ...ts, level: this.#pick(LEVELS) })),
    ({ trace }) => trace.setSliceAttributes({ size: this.#random() }),
    ({ trace }) => trace.setRequestAttributes({ size: this.#random() }),
    ({ trace }) => trace.setThreadAttributes({ size: this.#random() }),
    (visit) => this.#resume(visit),
    (visit) => this.#visit(visit),
    (_, name) => this.#batch(name),
    (_, name) => this.#eventBatch(name),
    (visit, name) => this.#message(visit, name),
    (visit) => this.#mayRetry && this.#random() < 0.1 && this.#retry(visit),
    (visit) => this.#mayAbort && this.#random() < 0.1 && this.#abort(visit),
  ];

  #pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)]!;
  }

  /** Some time between the last thing on a visit and now. */
  #since(visit: Visit): number {
    return (visit.lastTs += Math.floor(this.#random() * (now() - visit.lastTs)));
  }

  /** Says when, or leaves it to the library. */
  #timed(visit: Visit, act: (at: { readonly ts?: number }) => void): void {
    if (this.#random() < 0.5) return act({ ts: this.#since(visit) });
    act({});
    visit.lastTs = now();
  }

  #start(visit: Visit, name: string, level = this.#pick(LEVELS)): void {
    this.#timed(visit, (ts) => visit.trace.sliceStart(name, { ...ts, level }));
    visit.open.push(name);
    const current = visit.trace.current();
    if (current !== null) this.begun.add(current.spanId);
  }

  #end(visit: Visit, name: string, options: SliceEndOptions): void {
    this.#timed(visit, (ts) => visit.trace.sliceEnd(name, { ...ts, ...options }));
  }

  #join(trace: RequestTrace, role: string): void {
    this.#visits.push({ trace, role, open: [], lastTs: now() });
  }

  /** By another service: a thread of the same one would have to be done before its request is. */
  #resume({ trace, role }: Visit): void {
    if (this.#visits.length >= MAX_VISITS) return;
    const carrier = new Map<string, string>();
    trace.inject(carrier);
    const next = role === 'decode' ? 'prefill' : 'decode';
    this.#join(resumeRequest(carrier, { rid: RID, role: next, thread: engine }), next);
  }

  #visit({ trace, role }: Visit): void {
    const choice = this.#visits.length;
    if (choice < MAX_VISITS) this.#join(trace.visit({ thread: engine, choice }), role);
  }

  /** Some of the visits, each once. */
  #several(): Visit[] {
    return this.#visits.filter(() => this.#random() < 0.5);
  }

  #batch(name: string): void {
    const visits = this.#several();
    const members = visits.map(({ trace }) => trace);
    const startTs = Math.max(...visits.map(({ lastTs }) => lastTs));
    const endTs = now();
    if (members.length === 0) return;
    const attributes = { bid: this.#bid++, batch_size: members.length, forward_mode: 'decode', tokens: members.length };
    const batch = batchStep({ thread: engine, startTs, endTs, attributes, members });
    sliceBatch(name, members, startTs, endTs, { level: this.#pick(LEVELS), batch });
    for (const visit of visits) visit.lastTs = endTs;
    if (batch !== null) members[0]!.link(LinkKind.batch, batch);
  }

  #eventBatch(name: string): void {
    const visits = this.#several();
    const members = visits.map(({ trace }) => trace);
    eventBatch(name, members, { many: true });
    for (const visit of visits) visit.lastTs = now();
  }

  #message(visit: Visit, name: string): void {
    const to = this.#pick(this.#visits);
    const sent = startSend(visit.trace, name, destination);
    if (sent === null) return;
    const carrier = new Map<string, string>();
    injectMessage(carrier, sent);
    const processed = startProcess(to.trace, carrier, name, destination);
    // What handles it may be what ends the trace.
    if (this.#mayAbort && this.#random() < 0.1) this.#abort(to);
    processed?.end();
    sent.end(this.#random() < 0.1 ? 'not sent' : undefined);
    visit.lastTs = to.lastTs = now();
  }

  /** While it is at work: where it has left its thread there is none that could say so. */
  #abort(visit: Visit): void {
    this.#start(visit, OWN[0]);
    visit.trace.abort('gone');
  }

  /** The next attempt has a slice at once, which says which one was lost. */
  #retry(visit: Visit): void {
    visit.trace.retry({ bootstrapRoom: 'f'.repeat(16), reason: 'worker_lost' });
    visit.open.length = 0;
    visit.lastTs = now();
    this.#start(visit, OWN[0], TraceLevel.important);
  }
}
