import { Worker } from 'node:worker_threads';
import type { ForwardBatch, ForwardResult } from '../scheduling/forward-batch.js';
import type { RunnerOptions } from './model-runner.js';
import type { FromRunner, ToRunner } from './runner-messages.js';

export type LayersListener = (from: number, to: number) => void;

interface Pending {
  readonly resolve: (result: ForwardResult) => void;
  readonly reject: (error: Error) => void;
  readonly onLayers: LayersListener;
}

/** A model runner on a thread of its own; one batch at a time. */
export class ThreadedRunner {
  /** Resolves when the model is loaded; rejects with what loading threw. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  #pending: Pending | undefined;
  #death: Error | undefined;
  #markReady!: () => void;
  #failLoading!: (error: Error) => void;

  /**
   * @param onProgress called with the fraction of the weights loaded
   * @param onDeath called once if the thread ends by itself after it was ready
   */
  constructor(
    options: RunnerOptions & { readonly layers: number },
    private readonly onProgress: (fraction: number) => void,
    private readonly onDeath: (error: Error) => void,
  ) {
    this.ready = new Promise((resolve, reject) => {
      this.#markReady = resolve;
      this.#failLoading = reject;
    });
    this.#worker = new Worker(new URL('./runner-thread.js', import.meta.url), { workerData: options });
    this.#worker.on('message', (message: FromRunner) => this.#receive(message));
    this.#worker.once('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    this.#worker.once('exit', (code) => this.#die(new Error(`the engine thread ended with code ${code}`)));
  }

  /** @throws Error when the forward fails or the thread is dead */
  run(batch: ForwardBatch, onLayers: LayersListener): Promise<ForwardResult> {
    if (this.#death) return Promise.reject(this.#death);
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, onLayers };
      this.#worker.postMessage({ type: 'run', batch } satisfies ToRunner);
    });
  }

  /** Ends the thread; a batch under way is given up. */
  async close(): Promise<void> {
    this.#death ??= new Error('the engine is closed');
    await this.#worker.terminate();
    this.#settle()?.reject(this.#death);
  }

  #receive(message: FromRunner): void {
    switch (message.type) {
      case 'loading':
        return this.onProgress(message.fraction);
      case 'ready':
        return this.#markReady();
      case 'layers':
        return this.#pending?.onLayers(message.from, message.to);
      case 'result':
        return this.#settle()?.resolve(message.result);
      case 'failed':
        return this.#settle()?.reject(new Error(message.message));
    }
  }

  #settle(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  #die(error: Error): void {
    if (this.#death) return;
    this.#death = error;
    this.#failLoading(error);
    this.#settle()?.reject(error);
    this.onDeath(error);
  }
}
