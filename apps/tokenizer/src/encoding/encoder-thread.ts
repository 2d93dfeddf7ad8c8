import { parentPort, workerData } from 'node:worker_threads';
import { openModel } from '@sliceway/model';
import type { EncodePrompt } from '@sliceway/protocol';
import { EncodeError } from './encode-error.js';
import { PromptEncoder, type EncodedPrompt, type PromptOptions } from './prompt-encoder.js';

export interface EncoderThreadData {
  readonly modelPath: string;
}

/** Answered in the order of the jobs. */
export interface EncodeJob {
  readonly prompt: EncodePrompt;
  readonly options: PromptOptions;
}

export type EncodeResult =
  | (Omit<EncodedPrompt, 'ids'> & { readonly ids: Uint32Array<ArrayBuffer> })
  | { readonly error: { readonly code: string; readonly message: string } };

function run({ prompt, options }: EncodeJob): EncodeResult {
  try {
    const { ids, ...rest } = encoder.encode(prompt, options);
    return { ...rest, ids: Uint32Array.from(ids) };
  } catch (error) {
    // Anything else ends the thread, which its owner hears.
    if (!(error instanceof EncodeError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

const file = openModel((workerData as EncoderThreadData).modelPath);
const encoder = new PromptEncoder(file);
file.close();
parentPort!.on('message', (job: EncodeJob) => {
  const result = run(job);
  parentPort!.postMessage(result, 'ids' in result ? [result.ids.buffer] : []);
});
