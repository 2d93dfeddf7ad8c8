import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { TraceModule, type TraceLevel } from '../trace-level.js';

const KEY = 'sliceway.tracing.control';
/** Estimates of the clock's origin that are kept: 11 hours of one every 10 s. */
const EPOCHS = 4096;
const LEVEL = 0;
const EPOCH = 1;
const MALFORMED = 2;
const ENABLED = 3;
const MODULES = 4;
const IGNORES_PARENT = 5;
const LOOKS = 6;
const HEAD_RATIO = 4; // as f64
const HEAD_BYTES = 64;
const MODULE_BIT = Object.fromEntries(Object.values(TraceModule).map((module, i) => [module, 1 << i])) as Record<
  TraceModule,
  number
>;

/** What the threads of a process share: the level, and when the clock's origin was. */
export class SharedControl {
  readonly #i32: Int32Array;
  readonly #head: Float64Array;
  /** Of estimate i: seconds since the epoch at 2i, nanoseconds at 2i + 1. */
  readonly #origins: Float64Array;

  constructor(readonly buffer = new SharedArrayBuffer(HEAD_BYTES + EPOCHS * 16)) {
    this.#i32 = new Int32Array(buffer, 0, HEAD_BYTES / 4);
    this.#head = new Float64Array(buffer, 0, HEAD_BYTES / 8);
    this.#origins = new Float64Array(buffer, HEAD_BYTES);
  }

  /** That of this process; threads that start later inherit it. */
  static ofProcess(): SharedControl {
    const inherited = getEnvironmentData(KEY) as unknown;
    if (inherited instanceof SharedArrayBuffer) return new SharedControl(inherited);
    const control = new SharedControl();
    setEnvironmentData(KEY, control.buffer);
    return control;
  }

  /** Of the requests that start from now on. */
  get level(): TraceLevel {
    return Atomics.load(this.#i32, LEVEL) as TraceLevel;
  }

  set level(level: TraceLevel) {
    Atomics.store(this.#i32, LEVEL, level);
  }

  /** Whether anything is recorded in this process. */
  get enabled(): boolean {
    return Atomics.load(this.#i32, ENABLED) === 1;
  }

  set enabled(enabled: boolean) {
    Atomics.store(this.#i32, ENABLED, Number(enabled));
  }

  hasModule(module: TraceModule): boolean {
    return (Atomics.load(this.#i32, MODULES) & MODULE_BIT[module]) !== 0;
  }

  set modules(modules: readonly TraceModule[]) {
    Atomics.store(
      this.#i32,
      MODULES,
      modules.reduce((bits, each) => bits | MODULE_BIT[each], 0),
    );
  }

  /** Whether `ratio` is a share of all traces; else those with a parent go as it does. */
  get ignoresParent(): boolean {
    return Atomics.load(this.#i32, IGNORES_PARENT) === 1;
  }

  set ignoresParent(ignoresParent: boolean) {
    Atomics.store(this.#i32, IGNORES_PARENT, Number(ignoresParent));
  }

  /** Share of the traces that begin here which are recorded. */
  get ratio(): number {
    return this.#head[HEAD_RATIO]!;
  }

  set ratio(ratio: number) {
    this.#head[HEAD_RATIO] = ratio;
  }

  /** Contexts that were ignored since they were malformed. */
  get malformed(): number {
    return Atomics.load(this.#i32, MALFORMED);
  }

  countMalformed(): void {
    Atomics.add(this.#i32, MALFORMED, 1);
  }

  /** A ring fills: its exporter had better look at it before the next time that it would. */
  askForLook(): void {
    Atomics.add(this.#i32, LOOKS, 1);
    Atomics.notify(this.#i32, LOOKS);
  }

  /** Resolves when a thread has asked since `seen`, with what to wait for next; what it gave last, or 0. */
  async lookAsked(seen: number): Promise<number> {
    await Atomics.waitAsync(this.#i32, LOOKS, seen).value;
    return Atomics.load(this.#i32, LOOKS);
  }

  /** Number of the newest estimate. */
  get epoch(): number {
    return Atomics.load(this.#i32, EPOCH);
  }

  /** A new estimate of when `ts` was 0, in nanoseconds since the epoch. */
  addEpoch(originNs: bigint): void {
    const next = (this.epoch + 1) % EPOCHS;
    this.#origins[next * 2] = Number(originNs / 1_000_000_000n);
    this.#origins[next * 2 + 1] = Number(originNs % 1_000_000_000n);
    Atomics.store(this.#i32, EPOCH, next);
  }

  /** Nanoseconds since the epoch of a `ts`, by an estimate's number. */
  toEpochNs(ts: number, epoch: number): bigint {
    const seconds = this.#origins[epoch * 2]!;
    return BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(this.#origins[epoch * 2 + 1]! + ts));
  }

  originSeconds(epoch: number): number {
    return this.#origins[epoch * 2]!;
  }

  originNanoseconds(epoch: number): number {
    return this.#origins[epoch * 2 + 1]!;
  }
}
