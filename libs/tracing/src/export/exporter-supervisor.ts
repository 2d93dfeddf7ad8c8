import { Worker } from 'node:worker_threads';
import { AnnouncedRings } from './announced-rings.js';
import type { ExportStats } from './export-stats.js';
import type { Environment } from './otel.config.js';
import type { ExporterThreadData, FromExporterThread, HandedRing, ToExporterThread } from './thread-messages.js';

export interface ExporterSupervisorOptions {
  readonly data: Omit<ExporterThreadData, 'rings' | 'firstRingId' | 'droppedOfEnded' | 'isRestart'>;
  readonly environment: Environment;
  readonly stats: ExportStats;
  readonly log: (message: string) => void;
  /** The thread has died too often: nothing is exported any more. */
  readonly onGivenUp: () => void;
}

/** Beyond it the thread dies, not the process. */
const MAX_HEAP_MB = 384;
const MAX_RESTARTS = 3;
const RESTART_MS = 1000;

interface Ring extends HandedRing {
  readonly names: string[];
}

/** Rings and their names, for the next exporter of this process: a writer tells a name once. */
const rings = new Map<number, Ring>();
let nextRingId = 0;
let droppedOfEnded = 0;

/** Starts the exporter's thread, and again a few times when it dies. */
export class ExporterSupervisor {
  /** The thread hears them as well, but takes a while to start: one of ours may have recorded and ended by then. */
  readonly #announced = new AnnouncedRings((buffer) => this.#post({ type: 'ring', buffer, answers: true }));
  readonly #flushes = new Map<number, () => void>();
  #nextFlush = 0;
  #worker: Worker | null;
  #restarts = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  /** Of the one shutdown, for whoever asks again. */
  #closed: Promise<boolean> | null = null;

  constructor(private readonly options: ExporterSupervisorOptions) {
    this.#worker = this.#start();
  }

  addRing(buffer: SharedArrayBuffer): void {
    this.#post({ type: 'ring', buffer, answers: false });
  }

  flush(timeoutMs: number): Promise<boolean> {
    if (this.#closed !== null || this.#worker === null) return Promise.resolve(false);
    const id = this.#nextFlush++;
    this.#announced.hear();
    this.#post({ type: 'flush', id });
    return within(timeoutMs, (done) => this.#flushes.set(id, done)).finally(() => this.#flushes.delete(id));
  }

  /** Whoever comes later waits for the first. */
  shutdown(timeoutMs: number): Promise<boolean> {
    return (this.#closed ??= this.#close(timeoutMs));
  }

  async #close(timeoutMs: number): Promise<boolean> {
    clearTimeout(this.#restartTimer);
    this.#announced.hear();
    this.#announced.close();
    const worker = this.#worker;
    if (worker === null) return false;
    this.#post({ type: 'shutdown' });
    const inTime = await within(timeoutMs, (done) => worker.once('exit', done));
    if (!inTime) await worker.terminate();
    const held = this.options.stats.giveUpHeld();
    if (held > 0) this.options.log(`shutdown: ${held} spans that the exporter had were not sent`);
    return inTime && held === 0;
  }

  #post(message: ToExporterThread): void {
    this.#worker?.postMessage(message);
  }

  #start(): Worker {
    const data: ExporterThreadData = {
      ...this.options.data,
      rings: [...rings.values()],
      firstRingId: nextRingId,
      droppedOfEnded,
      isRestart: this.#restarts > 0,
    };
    const worker = new Worker(new URL('./exporter-main.js', import.meta.url), {
      workerData: data,
      env: this.options.environment as NodeJS.ProcessEnv,
      // The main thread's flags (loaders, `--import`) are not for this one.
      execArgv: [],
      name: 'sliceway-trace-exporter',
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    worker.on('message', (message: FromExporterThread) => this.#onMessage(message));
    worker.on('error', (error) => this.options.log(`exporter thread died: ${error.message}`));
    worker.on('exit', () => this.#onExit(worker));
    worker.unref();
    return worker;
  }

  #onMessage(message: FromExporterThread): void {
    if (message.type === 'log') this.options.log(message.message);
    else if (message.type === 'flushed') this.#flushes.get(message.id)?.();
    else if (message.type === 'names') rings.get(message.id)?.names.push(...message.names);
    else if (message.type === 'ringEnded') {
      rings.delete(message.id);
      droppedOfEnded += message.dropped;
    } else if (message.type === 'ring') {
      const { id, buffer, answers } = message;
      rings.set(id, { id, buffer, answers, names: [] });
      nextRingId = Math.max(nextRingId, id + 1);
    }
  }

  #onExit(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    if (this.#closed !== null) return;
    this.options.stats.giveUpHeld();
    this.options.stats.add('failures');
    if (this.#restarts++ < MAX_RESTARTS) {
      this.#restartTimer = setTimeout(() => (this.#worker = this.#start()), RESTART_MS).unref();
    } else {
      this.options.log(`exporter thread died ${this.#restarts} times: nothing is traced any more`);
      this.options.onGivenUp();
    }
  }
}

/** Whether `done` was called in time. The timer keeps the process alive until then. */
function within(timeoutMs: number, start: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    start(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
