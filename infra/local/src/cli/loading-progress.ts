import type { ClusterProcess, LoadingLine } from '../cluster/cluster-process.js';
import type { Reporter } from '../reporter.js';

/** One bar for all workers that load the model at the same time. */
export class LoadingProgress {
  readonly #reporter: Reporter;
  readonly #lines = new Map<ClusterProcess, LoadingLine>();
  #bar: ReturnType<Reporter['progress']> | null = null;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  update(process: ClusterProcess, line: LoadingLine): void {
    this.#lines.set(process, line);
    this.#bar ??= this.#reporter.progress('Loading the model');
    let loadedBytes = 0;
    let totalBytes = 0;
    for (const each of this.#lines.values()) {
      loadedBytes += each.loadedBytes;
      totalBytes += each.totalBytes;
    }
    this.#bar.update(loadedBytes, totalBytes);
  }

  clear(): void {
    this.#bar?.clear();
  }
}
