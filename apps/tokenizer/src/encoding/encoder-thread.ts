import { parentPort, workerData } from 'node:worker_threads';
import { openModel } from '@sliceway/model';
import type { EncodePrompt } from '@sliceway/protocol';
import { EncodeError } from './encode-error.js';
import { PromptEncoder } from './prompt-encoder.js';

export interface EncoderThreadData {
  readonly modelPath: string;
}

/** Answered in the order of the jobs. */
export interface EncodeJob {
  readonly prompt: EncodePrompt;
}

export type EncodeResult =
  | { readonly ids: Uint32Array<ArrayBuffer>; readonly templateTs: readonly [number, number] | null }
  | { readonly error: { readonly code: string; readonly message: string } };

function run(prompt: EncodePrompt): EncodeResult {
  try {
    const { ids, templateTs } = encoder.encode(prompt);
    return { ids: Uint32Array.from(ids), templateTs };
  } catch (error) {
    // Anything else ends the thread, which its owner hears.
    if (!(error instanceof EncodeError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

const file = openModel((workerData as EncoderThreadData).modelPath);
const encoder = new PromptEncoder(file);
file.close();
parentPort!.on('message', ({ prompt }: EncodeJob) => {
  const result = run(prompt);
  parentPort!.postMessage(result, 'ids' in result ? [result.ids.buffer] : []);
});
