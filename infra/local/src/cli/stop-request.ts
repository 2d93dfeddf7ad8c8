import type { LocalCluster } from '../cluster/local-cluster.js';
import type { Reporter } from '../reporter.js';

/** What a shell expects of a program that a signal ended: 128 + SIGINT. */
export const INTERRUPTED = 130;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C and its relatives: the first one stops in order, the second one kills. */
export class StopRequest {
  cluster: LocalCluster | null = null;
  readonly requested: Promise<void>;
  readonly #starting = new AbortController();
  readonly #reporter: Reporter;
  #request!: () => void;
  #canStopInOrder = false;
  #count = 0;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
    this.requested = new Promise((resolve) => (this.#request = resolve));
    for (const signal of STOP_SIGNALS) process.on(signal, this.#onSignal);
  }

  /** From here on there is something to stop in order; before, a signal just ends the program. */
  beginStart(): AbortSignal {
    this.#canStopInOrder = true;
    return this.#starting.signal;
  }

  get isForced(): boolean {
    return this.#count > 1;
  }

  close(): void {
    for (const signal of STOP_SIGNALS) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = () => {
    this.#count++;
    if (!this.#canStopInOrder || (this.isForced && this.cluster === null)) process.exit(INTERRUPTED);
    this.#reporter.note(this.isForced ? '\nKilling.' : '\nStopping (Ctrl-C again kills).');
    if (this.isForced) void this.cluster?.stop(0);
    this.#starting.abort();
    this.#request();
  };
}
