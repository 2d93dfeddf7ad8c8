import { Worker } from 'node:worker_threads';
import type { EncodePrompt } from '@sliceway/protocol';
import { EncodeError } from './encode-error.js';
import type { EncodeJob, EncoderThreadData, EncodeResult } from './encoder-thread.js';
import type { EncodedPrompt, PromptOptions } from './prompt-encoder.js';

interface Waiting {
  resolve(encoded: EncodedPrompt): void;
  reject(error: Error): void;
}

/** A `PromptEncoder` on a thread of its own, one prompt after the other. The thread starts with the first prompt. */
export class ThreadedEncoder {
  readonly #waiting: Waiting[] = [];
  #thread: Worker | null = null;

  constructor(private readonly modelPath: string) {}

  /** @throws EncodeError; Error when the thread dies, after which the next prompt starts another */
  encode(prompt: EncodePrompt, options: PromptOptions = {}): Promise<EncodedPrompt> {
    this.#thread ??= this.#start();
    const job: EncodeJob = { prompt, options };
    this.#thread.postMessage(job);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Prompts under way are given up. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#fail(new Error('the encoder is closed'));
    await thread?.terminate();
  }

  #start(): Worker {
    const workerData: EncoderThreadData = { modelPath: this.modelPath };
    const thread = new Worker(new URL('./encoder-thread.js', import.meta.url), { workerData });
    // What a thread that was given up still says is not for those who wait now.
    thread.on('message', (result: EncodeResult) => {
      if (this.#thread === thread) settle(this.#waiting.shift()!, result);
    });
    thread.on('error', (error) => {
      if (this.#thread === thread) this.#fail(new Error('the encoder thread died', { cause: error }));
    });
    thread.unref();
    return thread;
  }

  #fail(error: Error): void {
    this.#thread = null;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function settle({ resolve, reject }: Waiting, result: EncodeResult): void {
  if ('error' in result) reject(new EncodeError(result.error.code, result.error.message));
  else resolve({ ...result, ids: Array.from(result.ids) });
}
