import type { ClusterProcess, LoadingLine } from '../cluster/cluster-process.js';
import type { Reporter } from '../reporter.js';

/** One bar for all workers that load the model at the same time. */
export class LoadingProgress {
  readonly #reporter: Reporter;
  readonly #modelBytes: number;
  readonly #fractions = new Map<ClusterProcess, number>();
  #bar: ReturnType<Reporter['progress']> | null = null;

  constructor(reporter: Reporter, modelBytes: number) {
    this.#reporter = reporter;
    this.#modelBytes = modelBytes;
  }

  update(process: ClusterProcess, { fraction }: LoadingLine): void {
    this.#fractions.set(process, fraction);
    this.#bar ??= this.#reporter.progress('Loading the model');
    const loaded = [...this.#fractions.values()].reduce((sum, each) => sum + each, 0);
    this.#bar.update(loaded * this.#modelBytes, this.#fractions.size * this.#modelBytes);
  }

  clear(): void {
    this.#bar?.clear();
  }
}
