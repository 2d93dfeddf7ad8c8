import { Worker } from 'node:worker_threads';
import type { BackendInfo } from '../backend/backend.js';
import { NativeBackendError } from '../backend/native-backend-error.js';
import type { ForwardBatch, ForwardResult } from '../scheduling/forward-batch.js';
import type { RunnerOptions } from './model-runner.js';
import type { FromRunner, RunnerThreadData, ToRunner } from './runner-messages.js';

export type LayersListener = (from: number, to: number) => void;

interface Pending<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** A backend and a model runner on a thread of their own; one batch at a time. */
export class ThreadedRunner {
  /** Called once if the thread ends by itself; set before the first batch. */
  onDeath: (error: Error) => void = () => {};
  readonly #worker: Worker;
  #starting: Pending<BackendInfo> | undefined;
  #loading: (Pending<void> & { readonly onProgress: (fraction: number) => void }) | undefined;
  #running: (Pending<ForwardResult> & { readonly onLayers: LayersListener }) | undefined;
  #death: Error | undefined;

  private constructor(data: RunnerThreadData) {
    this.#worker = new Worker(new URL('./runner-thread.js', import.meta.url), { workerData: data });
    this.#worker.on('message', (message: FromRunner) => this.#receive(message));
    this.#worker.once('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    this.#worker.once('exit', (code) => this.#die(new Error(`the engine thread ended with code ${code}`)));
  }

  /** Starts the thread and its backend. @throws what starting the backend threw */
  static async start(data: RunnerThreadData): Promise<{ runner: ThreadedRunner; backend: BackendInfo }> {
    const runner = new ThreadedRunner(data);
    const backend = await new Promise<BackendInfo>((resolve, reject) => (runner.#starting = { resolve, reject }));
    return { runner, backend };
  }

  /** Loads a model. @param onProgress called with the fraction of the weights loaded @throws what loading threw */
  load(options: RunnerOptions, layers: number, onProgress: (fraction: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#loading = { resolve, reject, onProgress };
      this.#post({ type: 'load', options, layers });
    });
  }

  /** @throws Error when the forward fails or the thread is dead */
  run(batch: ForwardBatch, onLayers: LayersListener): Promise<ForwardResult> {
    if (this.#death) return Promise.reject(this.#death);
    return new Promise((resolve, reject) => {
      this.#running = { resolve, reject, onLayers };
      this.#post({ type: 'run', batch });
    });
  }

  /** Ends the thread; a batch under way is given up. */
  async close(): Promise<void> {
    this.#death ??= new Error('the engine is closed');
    await this.#worker.terminate();
    this.#settle()?.reject(this.#death);
  }

  #post(message: ToRunner): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromRunner): void {
    switch (message.type) {
      case 'backend':
        return this.#starting?.resolve(message.info);
      case 'no_backend':
        return this.#starting?.reject(new NativeBackendError(message.code, message.message));
      case 'loading':
        return this.#loading?.onProgress(message.fraction);
      case 'ready':
        return this.#loading?.resolve();
      case 'layers':
        return this.#running?.onLayers(message.from, message.to);
      case 'result':
        return this.#settle()?.resolve(message.result);
      case 'failed':
        return this.#settle()?.reject(new Error(message.message));
    }
  }

  #settle(): Pending<ForwardResult> | undefined {
    const running = this.#running;
    this.#running = undefined;
    return running;
  }

  #die(error: Error): void {
    if (this.#death) return;
    this.#death = error;
    this.#starting?.reject(error);
    this.#loading?.reject(error);
    this.#settle()?.reject(error);
    this.onDeath(error);
  }
}
